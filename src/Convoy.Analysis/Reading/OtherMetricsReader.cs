using System.Globalization;
using System.Text.Json;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Reading;

/// <summary>
/// Reads metrics files of other tools: <c>start_time, end_time, metrics[{timestamp, rank, step, loss, batch_size,
/// learning_rate, elapsed_time}]</c>. Steps may be sparse and have no time of their own: the time between two records is
/// shared among the steps between them. Files without two such records count with their whole time.
/// </summary>
internal static class OtherMetricsReader
{
    // Seconds from 1970 to 9999, the last year that there is a date for.
    private const double LatestSeconds = 253_402_300_000;

    /// <exception cref="AnalysisInputException">The file lacks what is needed.</exception>
    public static OtherRun Read(string path, JsonElement root)
    {
        MetricsFileName name = MetricsFileName.Of(path)
            ?? throw new AnalysisInputException("the file does not say how many processes were measured", path, "Name it Metrics_{n}_cpus.json.");
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("metrics", out JsonElement metrics) || metrics.ValueKind != JsonValueKind.Array)
        {
            throw new AnalysisInputException("not a metrics file, it has no list \"metrics\"", path, "Leave it out.");
        }

        RecordedStep[] records = [.. metrics.EnumerateArray().Select((r, i) => RecordedStep.Of(r, i, string.Create(CultureInfo.InvariantCulture, $"{path}, record {i + 1}")))];
        RecordedStep[] first = records.Length == 0 ? [] : [.. records.Where(r => r.Rank == records.Min(x => x.Rank))];
        RunStep[] steps = [.. Steps(first, path)];
        double[] intervals = [.. steps.Select(s => s.Seconds).OfType<double>()];
        double? whole = WholeSeconds(root, path);
        if (intervals.Length == 0 && whole is null)
        {
            throw new AnalysisInputException("the file has no times", path, "It needs start_time and end_time, or two records with elapsed_time.");
        }

        int skipped = WarmUp.StepsToLeaveOut(intervals.Length);
        int?[] sizes = [.. first.Select(r => r.BatchSize).Where(b => b is not null).Distinct()];
        if (sizes.Length > 1)
        {
            throw new AnalysisInputException("the batch size changes within the run", $"{string.Join(" and ", sizes)} in {path}", "Measure with one batch size.");
        }

        var run = new Run
        {
            Configuration = new Configuration(name.Processes, null, name.Precision ?? Configuration.DefaultPrecision),
            Source = path,
            Basis = intervals.Length > 0 ? TimeBasis.Step : TimeBasis.Run,
            Samples = intervals.Length > 0 ? intervals[skipped..] : [whole!.Value],
            BatchSize = sizes.Length == 1 ? sizes[0] : null,
            WarmUpSteps = skipped,
            Steps = MarkWarmUp(steps, skipped),
        };
        return new OtherRun(run, first.Length > 0 ? first[^1].Step : 0, [.. StepChecks.Losses(first.Select(r => (r.Step, r.Loss)), path)]);
    }

    // Where the step's number goes back, a new epoch began: that interval is not known.
    private static IEnumerable<RunStep> Steps(RecordedStep[] records, string path)
    {
        RecordedStep? last = null;
        foreach (RecordedStep record in records)
        {
            double? seconds = last is not null && record.ElapsedSeconds is not null && record.Step > last.Step ? SecondsOfAStep(last, record, path) : null;
            last = record.ElapsedSeconds is null ? last : record;
            yield return new RunStep(record.Step, seconds, record.Loss, IsWarmUp: false);
        }
    }

    private static double SecondsOfAStep(RecordedStep from, RecordedStep to, string path)
    {
        double seconds = to.ElapsedSeconds!.Value - from.ElapsedSeconds!.Value;
        double ofOne = seconds / (to.Step - from.Step);
        return PlausibleSeconds.Contains(ofOne)
            ? ofOne
            : throw new AnalysisInputException(
                "elapsed_time does not grow",
                string.Create(CultureInfo.InvariantCulture, $"{from.ElapsedSeconds} then {to.ElapsedSeconds}, step {to.Step}, {path}"),
                "It has to count from the run's start, a nanosecond a step at least; leave the file out, or mend it.");
    }

    // The first times are those of the warm-up, and so is what was recorded before them.
    private static RunStep[] MarkWarmUp(RunStep[] steps, int skipped)
    {
        int seen = 0;
        return [.. steps.Select(s => s with { IsWarmUp = s.Seconds is null ? seen < skipped : seen++ < skipped })];
    }

    private static double? WholeSeconds(JsonElement root, string path)
    {
        if (Moment(root, "start_time", path) is not { } start || Moment(root, "end_time", path) is not { } end)
        {
            return null;
        }

        double seconds = (end - start).TotalSeconds;
        if (seconds <= 0)
        {
            throw new AnalysisInputException("end_time is not after start_time", path, "Leave the file out, or mend it.");
        }

        StepChecks.Require(seconds, "end_time - start_time", path, isStep: true);
        return seconds;
    }

    private static DateTimeOffset? Moment(JsonElement root, string name, string path)
    {
        if (!root.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number && value.GetDouble() is >= 0 and < LatestSeconds)
        {
            return DateTimeOffset.UnixEpoch.AddSeconds(value.GetDouble());
        }

        return value.ValueKind == JsonValueKind.String
               && DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset moment)
            ? moment
            : throw new AnalysisInputException($"\"{name}\" is not a time", $"{RecordedStep.Shown(value)}, {path}", "Leave the file out, or mend it.");
    }
}
