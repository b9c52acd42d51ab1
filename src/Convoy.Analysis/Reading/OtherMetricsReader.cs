using System.Globalization;
using System.Text.Json;
using Convoy.Analysis.Runs;

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
        MetricsFileName name = MetricsFileName.Parse(path)
            ?? throw new AnalysisInputException("the file does not say how many processes were measured", path, "Name it Metrics_{n}_cpus.json.");
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("metrics", out JsonElement metrics) || metrics.ValueKind != JsonValueKind.Array)
        {
            throw new AnalysisInputException("not a metrics file, it has no list \"metrics\"", path, "Leave it out.");
        }

        RecordedStep[] records = [.. metrics.EnumerateArray().Select((r, i) => RecordedStep.Read(r, i, string.Create(CultureInfo.InvariantCulture, $"{path}, record {i + 1}")))];
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
                "It has to count from the run's start, a nanosecond a step at least; leave the file out, or correct it.");
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
            throw new AnalysisInputException("end_time is not after start_time", path, "Leave the file out, or correct it.");
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
            : throw new AnalysisInputException($"\"{name}\" is not a time", $"{RecordedStep.Shown(value)}, {path}", "Leave the file out, or correct it.");
    }
}

/// <summary>One record of another tool's metrics file, with what it has.</summary>
internal sealed record RecordedStep(int Rank, long Step, double? ElapsedSeconds, double? Loss, int? BatchSize)
{
    private const int LongestShown = 60;

    public static RecordedStep Read(JsonElement record, int index, string place)
    {
        if (record.ValueKind != JsonValueKind.Object)
        {
            throw new AnalysisInputException("a record of \"metrics\" is not an object", place, "Leave the file out, or correct it.");
        }

        double? elapsed = Number(record, "elapsed_time", place);
        StepChecks.Require(elapsed, "elapsed_time", place, isStep: false);
        double? batch = Number(record, "batch_size", place);
        if (batch is { } size && !(size >= 1 && size == Math.Floor(size) && size <= int.MaxValue))
        {
            throw new AnalysisInputException("\"batch_size\" must be a whole number from 1", $"got {size.ToString(CultureInfo.InvariantCulture)}, {place}", "Leave the file out, or correct it.");
        }

        return new RecordedStep(
            (int)Whole(record, "rank", 0, Configuration.MostProcesses, place),
            (long)Whole(record, "step", index + 1, StepChecks.MostSteps, place),
            elapsed,
            Number(record, "loss", place),
            (int?)batch);
    }

    /// <summary>A value for a message.</summary>
    public static string Shown(JsonElement value)
    {
        string text = value.GetRawText().ReplaceLineEndings(" ");
        return text.Length <= LongestShown ? text : string.Concat(text.AsSpan(0, LongestShown), "...");
    }

    private static double Whole(JsonElement record, string name, double otherwise, double most, string place)
    {
        double value = Number(record, name, place) ?? otherwise;
        return value >= 0 && value <= most && value == Math.Floor(value)
            ? value
            : throw new AnalysisInputException($"\"{name}\" must be a whole number from 0", $"got {value.ToString(CultureInfo.InvariantCulture)}, {place}", "Leave the file out, or correct it.");
    }

    private static double? Number(JsonElement record, string name, string place)
    {
        if (!record.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number)
        {
            return value.GetDouble();
        }

        return value.ValueKind == JsonValueKind.String && double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
            ? number
            : throw new AnalysisInputException($"\"{name}\" is not a number", $"{Shown(value)}, {place}", "Leave the file out, or correct it.");
    }
}

/// <summary>A run that another tool recorded.</summary>
/// <param name="Run">The run.</param>
/// <param name="LastStep">The last step's number; 0 when there are none.</param>
/// <param name="Warnings">What a reader should know of it.</param>
internal sealed record OtherRun(Run Run, long LastStep, IReadOnlyList<string> Warnings);

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
