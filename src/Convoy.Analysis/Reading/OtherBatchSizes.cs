using System.Globalization;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Reading;

/// <summary>
/// Whether other tools' <c>batch_size</c> means all processes or one of them. The files do not say; but when twice the
/// processes take half the steps, the same number is a batch of each process.
/// </summary>
internal static class OtherBatchSizes
{
    private const double Tolerance = 0.1;

    public static ReadRuns Settle(IReadOnlyList<OtherRun> runs)
    {
        string[] warnings = [.. runs.SelectMany(r => r.Warnings)];
        Run[] asRead = [.. runs.Select(r => r.Run)];
        if (runs.Count < 2 || runs.Any(r => r.LastStep == 0 || r.Run.BatchSize is null) || asRead.Select(r => r.BatchSize).Distinct().Count() > 1)
        {
            return new ReadRuns(asRead, warnings);
        }

        double[] work = [.. runs.Select(r => (double)r.LastStep * r.Run.Configuration.Processes)];
        bool shrinks = runs.Select(r => r.LastStep).Max() > runs.Select(r => r.LastStep).Min() * (1 + Tolerance);
        bool inverse = work.Max() <= work.Min() * (1 + Tolerance);
        if (shrinks && inverse)
        {
            return new ReadRuns(
                [.. asRead.Select(r => r with { BatchSize = r.BatchSize * r.Configuration.Processes })],
                [.. warnings, string.Create(CultureInfo.InvariantCulture, $"The number of steps falls as processes are added, so batch_size {asRead[0].BatchSize} is taken as that of each process: speed-ups compare samples per second.")]);
        }

        return new ReadRuns(asRead, shrinks
            ? [.. warnings, "The runs have different numbers of steps: the times of one step are compared, not of the whole runs."]
            : warnings);
    }
}
