using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Reports;

/// <summary>What a report is asked for beyond what was measured.</summary>
public sealed record ReportOptions
{
    /// <summary>An exabyte: more than any model has.</summary>
    internal const double MostGradientBytes = 1e18;

    /// <summary>Numbers of processes to predict, each at least 1. Default none.</summary>
    public IReadOnlyList<int> Predict { get; init; } = [];

    /// <summary>Another network to predict for as well; null for none.</summary>
    public Link? Link { get; init; }

    /// <summary>Bytes of gradients that every process exchanges in a step, above 0; null to take the runs' own record.</summary>
    public double? GradientBytes { get; init; }

    /// <summary>The price of one process for one hour, 0 or more; null for no costs.</summary>
    public double? PricePerProcessHour { get; init; }

    /// <summary>Images of one epoch, for costs; null when not known.</summary>
    public int? EpochImages { get; init; }

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="AnalysisInputException">The first value that is wrong.</exception>
    public void Validate()
    {
        foreach (int processes in Predict)
        {
            Require(processes is >= 1 and <= 1_000_000, "not a number of processes to predict", processes, "Give --predict numbers from 1, separated by commas.");
        }

        Require(Link is null or { GigabitsPerSecond: >= 1e-6 and <= 1e9 }, "not a link's speed", Link?.GigabitsPerSecond, "Give --link-gbps a number above 0, from 1e-6 to 1e9.");
        Require(Link is null or { LatencyMicroseconds: >= 0 and <= 1e9 }, "not a link's latency", Link?.LatencyMicroseconds, "Give --latency-us a number from 0 to 1e9.");
        Require(Link is null || Predict.Count > 0, "no numbers of processes to predict for that link", Link?.GigabitsPerSecond, "Give --predict 8,16 with --link-gbps.");
        Require(GradientBytes is null or (> 0 and <= MostGradientBytes), "not an amount of gradients", GradientBytes, "Give --gradient-mb a number above 0, to 1e12.");
        Require(PricePerProcessHour is null or (>= 0 and <= 1e12), "not a price", PricePerProcessHour, "Give --price a number from 0 to 1e12.");
        Require(EpochImages is null or >= 1, "not a number of images", EpochImages, "Give --epoch-images 1 or more.");
    }

    private static void Require(bool holds, string what, double? value, string remedy)
    {
        if (!holds)
        {
            throw new AnalysisInputException(what, FormattableString.Invariant($"{value}"), remedy);
        }
    }
}
