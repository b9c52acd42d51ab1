using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Distributed.Launch;
using Convoy.Metrics;
using Convoy.Training.Runs;
using Convoy.Training.Workers;

namespace Convoy.Training.Studies;

/// <summary>Makes the runs of a study of a program without a task: by the steps that it writes, or else by the time of the whole run.</summary>
/// <param name="study">The study's files: its other runs tell whether the program writes steps.</param>
/// <param name="plan">The study's runs.</param>
/// <param name="settings">What the study is told of the program.</param>
/// <param name="program">How its processes are started.</param>
/// <param name="time">The clock.</param>
public sealed class ProgramWork(StudyDirectory study, StudyPlan plan, ProgramStudy settings, LaunchProgram program, TimeProvider time) : IStudyWork
{
    /// <inheritdoc/>
    public async Task<string?> RunAsync(StudyRun run, RunDirectory directory, IStudyDisplay display, CancellationToken interrupted)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(directory);
        ArgumentNullException.ThrowIfNull(display);
        ProgramRunSettings one = plan.Run(run.Configuration, program);
        var watch = new StepWatch(plan, display);
        ProgramOutcome outcome = await new ProgramRun(directory.Root, one, time) { OnNotice = display.Notice, OnStep = watch.Add }.RunAsync(interrupted).ConfigureAwait(false);
        if ((outcome.Failure ?? Fault(run.Configuration, outcome)) is { } fault)
        {
            return fault;
        }

        MetricsFile.Write(directory.Metrics, Metrics(run.Configuration, outcome));
        return null;
    }

    private RunMetrics Metrics(StudyConfiguration configuration, ProgramOutcome outcome)
    {
        // The time of a first step is not known where its program gives none: it is no measured one then.
        StepMetrics[] steps = outcome.Ranks.Count == 0 ? [] : [.. outcome.Ranks[0].SkipWhile(step => step.StepTime is null)];
        bool hasSteps = steps.Length > 0;
        return new RunMetrics
        {
            StartTime = hasSteps ? steps[0].Timestamp - TimeSpan.FromSeconds(steps[0].StepTime!.Value) : outcome.StartTime,
            EndTime = hasSteps ? steps[^1].Timestamp : outcome.StartTime + TimeSpan.FromSeconds(outcome.WallSeconds),
            Config = Config(configuration),
            Launch = ProgramLaunch.Record(settings, configuration),
            SampleNoun = settings.SampleNoun ?? outcome.SampleNoun,
            Host = HostProbe.Read(),
            WarmupSteps = hasSteps ? steps.Count(step => step.Step <= plan.WarmupSteps) : null,
            WallTime = hasSteps ? null : outcome.WallSeconds,
            Work = hasSteps ? null : settings.Work,
            Metrics = steps,
        };
    }

    private static JsonObject Config(StudyConfiguration configuration)
    {
        var config = new JsonObject { [SettingNames.Processes] = configuration.Processes, [SettingNames.Threads] = configuration.Threads };
        if (configuration.Precision is { } precision)
        {
            config[SettingNames.Precision] = precision.Name();
        }

        return config;
    }

    // What would make a wrong table, or none: better said of the run than of the report, when all others are made.
    private string? Fault(StudyConfiguration configuration, ProgramOutcome outcome)
    {
        if (outcome.Ranks.Count == 0 || outcome.Ranks.Any(rank => rank.Count == 0))
        {
            return OtherRun() is { WallTime: null } ? "it wrote no steps, and the study's other runs did. Let it write metrics_rank{r}.jsonl in every run, or in none." : null;
        }

        if (OtherRun() is { WallTime: not null })
        {
            return "it wrote steps, and the study's other runs did not. Let it write metrics_rank{r}.jsonl in every run, or in none.";
        }

        IReadOnlyList<StepMetrics> steps = outcome.Ranks[0];
        int least = plan.WarmupSteps + (plan.SecondsPerRun is null ? plan.MeasuredSteps : Math.Min(plan.LeastMeasuredSteps, plan.MeasuredSteps));
        StepMetrics? other = steps.FirstOrDefault(step => step.BatchSize != steps[0].BatchSize);
        return steps.Count < least ? Text($"it wrote {steps.Count} steps, and {least} are needed. Let it take {ProgramVariables.Steps} steps, or give fewer --steps and --warmup.")
            : steps.Count == 1 && steps[0].StepTime is null ? "its only step has no time. Let it write step_time, or give --warmup 1 or more."
            : steps[0].BatchSize < 1 ? Text($"batch_size must be at least 1 (got {steps[0].BatchSize} in step {steps[0].Step}). Write how many samples all ranks take in a step.")
            : other is not null ? Text($"batch_size changes from {steps[0].BatchSize} to {other.BatchSize} in step {other.Step}. Let it take whole batches only (drop_last=True), or fewer steps.")
            : outcome.Ranks.SelectMany(rank => rank).FirstOrDefault(step => step.StepTime is <= 0 or double.NaN) is { } still ? Text($"step {still.Step} of rank {still.Rank} took {still.StepTime} s by what was written. Let it write step_time, or a finer timestamp.")
            : OtherWork(configuration.Processes, steps[0].BatchSize);
    }

    // One batch for all processes together, or one for each: anything else cannot be compared.
    private string? OtherWork(int processes, int batch)
    {
        (int Processes, int Batch)[] others = [.. plan.Runs.Where(study.Has).Select(run => (run.Configuration.Processes, MetricsFile.Read(study.Run(run).Metrics).Metrics[0].BatchSize))];
        return others.All(other => other.Batch == batch) || others.All(other => (long)other.Batch * processes == (long)batch * other.Processes) ? null
            : Text($"its batch_size is {batch} with {processes} {(processes == 1 ? "process" : "processes")}, and the study's other runs had {string.Join(", ", others.Distinct().Select(other => Text($"{other.Batch} with {other.Processes}")))}. Let all processes share one batch, or each have one of the same size; batch_size is that of all together.");
    }

    private RunMetrics? OtherRun() => plan.Runs.Where(study.Has).Select(run => MetricsFile.Read(study.Run(run).Metrics)).FirstOrDefault();

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>How a measured configuration of a program is started again: by <c>convoy launch</c>, with the program's own command line.</summary>
public static class ProgramLaunch
{
    // --no-store: rank 0 hosts the store, as it did when it was measured.
    private static readonly string[] Verb = ["convoy", "launch", "--no-store"];

    /// <summary>The record of a configuration's runs.</summary>
    /// <param name="study">The program.</param>
    /// <param name="configuration">The configuration.</param>
    public static LaunchRecord Record(ProgramStudy study, StudyConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(study);
        ArgumentNullException.ThrowIfNull(configuration);
        return new LaunchRecord { Command = Verb, Program = study.Words, Settings = Settings(configuration.Processes, configuration.Threads, configuration.Precision) };
    }

    /// <summary>The words that start a program in a configuration.</summary>
    /// <param name="program">The program and its arguments.</param>
    /// <param name="processes">How many processes.</param>
    /// <param name="threads">Threads of each.</param>
    /// <param name="precision">The precision that it is told; null for none.</param>
    public static IReadOnlyList<string> Command(IReadOnlyList<string> program, int processes, int threads, Precision? precision) =>
        [.. Verb, .. Settings(processes, threads, precision).SelectMany(setting => setting.Arguments), "--", .. program];

    private static SettingRecord[] Settings(int processes, int threads, Precision? precision) =>
    [
        Setting(SettingNames.Processes, "--nproc", processes.ToString(CultureInfo.InvariantCulture)),
        Setting(SettingNames.Threads, "--threads", threads.ToString(CultureInfo.InvariantCulture)),
        .. precision is { } told ? [Setting(SettingNames.Precision, "--precision", told.Name())] : Array.Empty<SettingRecord>(),
    ];

    private static SettingRecord Setting(string name, string option, string value) => new() { Name = name, Option = option, Arguments = [option, value], Effect = SettingEffect.Speed };
}
