namespace Convoy.Analysis.Runs;

/// <summary>What the seconds of a run are the seconds of.</summary>
public enum TimeBasis
{
    /// <summary>One step: a forward and backward pass over a global batch.</summary>
    Step,

    /// <summary>One whole run, such as an epoch, the same work in every configuration.</summary>
    Run,

    /// <summary>One sample: what is left when only a throughput was measured.</summary>
    Sample,

    /// <summary>One whole run as a share of the time of the one that speed-ups are against: what is left when only those are known.</summary>
    Relative,
}

/// <summary>The bases in words.</summary>
internal static class TimeBasisWords
{
    /// <summary>What a time is of: <c>step</c>.</summary>
    /// <param name="basis">The basis.</param>
    /// <param name="sample">What a sample is called.</param>
    public static string Noun(this TimeBasis basis, string sample) => basis switch
    {
        TimeBasis.Step => "step",
        TimeBasis.Sample => sample,
        _ => "run",
    };

    /// <summary>The basis's name in documents for programs, whatever the samples are called.</summary>
    public static string Name(this TimeBasis basis) => basis == TimeBasis.Relative ? "relative" : basis.Noun("image");

    /// <summary>Which times a table has, for a heading or below it.</summary>
    /// <param name="basis">The basis.</param>
    /// <param name="sample">What a sample is called.</param>
    public static string Seconds(this TimeBasis basis, string sample) => basis switch
    {
        TimeBasis.Step => "Seconds are those of one step",
        TimeBasis.Sample => $"Seconds are those of one {sample}, from throughputs",
        TimeBasis.Relative => "Seconds are shares of one run's time, from speed-ups",
        _ => "Seconds are those of one run as given",
    };
}
