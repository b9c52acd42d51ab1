using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Reports;

/// <summary>What a report is asked for beyond what was measured.</summary>
public sealed record ReportOptions
{
    /// <summary>An exabyte: more than any model has.</summary>
    internal const double MostGradientBytes = 1e18;

    /// <summary>Numbers of processes to predict, each from 1 to 1,000,000. Default none.</summary>
    public IReadOnlyList<int> Predict { get; init; } = [];

    /// <summary>Another network to predict for as well; null for none.</summary>
    public Link? Link { get; init; }

    /// <summary>Bytes of gradients that every process exchanges in a step, above 0; null to take the runs' own record.</summary>
    public double? GradientBytes { get; init; }

    /// <summary>The price of one process for one hour, 0 or more; null for no costs.</summary>
    public double? PricePerProcessHour { get; init; }

    /// <summary>Samples of one epoch, at least 1, for costs; null when not known.</summary>
    public int? EpochSamples { get; init; }

    /// <summary>What a property of these options and of <see cref="Scaling.Link"/> is called in messages: a program gives its own options' names. Default the property's name.</summary>
    public Func<string, string> NameOf { get; init; } = property => property;

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="AnalysisInputException">The first value that is wrong.</exception>
    public void Validate()
    {
        foreach (int processes in Predict)
        {
            Require(processes is >= 1 and <= 1_000_000, nameof(Predict), "from 1 to 1000000", processes);
        }

        Require(Link is null or { GigabitsPerSecond: >= 1e-6 and <= 1e9 }, nameof(Link.GigabitsPerSecond), "from 1e-6 to 1e9", Link?.GigabitsPerSecond);
        Require(Link is null or { LatencyMicroseconds: >= 0 and <= 1e9 }, nameof(Link.LatencyMicroseconds), "from 0 to 1e9", Link?.LatencyMicroseconds);
        if (Link is not null && Predict.Count == 0)
        {
            throw new AnalysisInputException($"{NameOf(nameof(Link.GigabitsPerSecond))} needs {NameOf(nameof(Predict))}, the numbers of processes to predict for that network.");
        }

        Require(GradientBytes is null or (> 0 and <= MostGradientBytes), nameof(GradientBytes), "above 0 and at most 1e18", GradientBytes);
        Require(PricePerProcessHour is null or (>= 0 and <= 1e12), nameof(PricePerProcessHour), "from 0 to 1e12", PricePerProcessHour);
        Require(EpochSamples is null or >= 1, nameof(EpochSamples), "at least 1", EpochSamples);
    }

    private void Require(bool holds, string property, string range, double? value)
    {
        if (!holds)
        {
            throw new AnalysisInputException(FormattableString.Invariant($"{NameOf(property)} must be {range} (got {value})."));
        }
    }
}
