namespace Convoy.Analysis.Runs;

/// <summary>What the seconds of a run are the seconds of.</summary>
public enum TimeBasis
{
    /// <summary>One step: a forward and backward pass over a global batch.</summary>
    Step,

    /// <summary>One whole run, such as an epoch, the same work in every configuration.</summary>
    Run,

    /// <summary>One image: what is left when only a throughput was measured.</summary>
    Image,

    /// <summary>One whole run as a share of the time of the one that speed-ups are against: what is left when only those are known.</summary>
    Relative,
}

/// <summary>The bases in words.</summary>
internal static class TimeBasisWords
{
    /// <summary>What a time is of: <c>step</c>.</summary>
    public static string Noun(this TimeBasis basis) => basis switch
    {
        TimeBasis.Step => "step",
        TimeBasis.Image => "image",
        _ => "run",
    };

    /// <summary>The basis's name in documents for programs.</summary>
    public static string Name(this TimeBasis basis) => basis == TimeBasis.Relative ? "relative" : basis.Noun();

    /// <summary>Which times a table has, for a heading or below it.</summary>
    public static string Seconds(this TimeBasis basis) => basis switch
    {
        TimeBasis.Step => "Seconds are those of one step",
        TimeBasis.Image => "Seconds are those of one image, from throughputs",
        TimeBasis.Relative => "Seconds are shares of one run's time, from speed-ups",
        _ => "Seconds are those of one run as given",
    };
}
