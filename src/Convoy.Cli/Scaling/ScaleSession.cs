using System.Globalization;
using Convoy.Analysis;
using Convoy.Analysis.Reading;
using Convoy.Analysis.Rendering;
using Convoy.Analysis.Reports;
using Convoy.Cli.Reports;
using Convoy.Cli.Training;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training;
using Convoy.Training.Programs;
using Convoy.Training.Runs;
using Convoy.Training.Studies;
using Spectre.Console;

namespace Convoy.Cli.Scaling;

/// <summary>
/// <c>convoy scale</c> as its user sees it: everything is checked before anything is written; then the data is drawn if need
/// be, every run is made that is not there yet, and the report is written.
/// </summary>
/// <param name="request">The study.</param>
/// <param name="commandLine">The words after <c>convoy scale</c> with which it goes on.</param>
/// <param name="json">Whether the report goes to standard output as JSON, and all else to standard error.</param>
internal sealed class ScaleSession(ScaleRequest request, string commandLine, bool json)
{
    private readonly IAnsiConsole _console = ConsoleOutput.People(json);
    private readonly StudyDirectory _study = request.Study;
    private readonly StudySettings _settings = request.Settings;
    private readonly StudyPlan _plan = new(request.Settings);
    private int _samples;

    /// <summary>Runs to the end.</summary>
    /// <param name="interrupted">Ends the present run; the study can go on later.</param>
    /// <returns>The program's exit code.</returns>
    /// <exception cref="BadInputException">Something that the user gave is wrong; nothing was written.</exception>
    public async Task<int> RunAsync(CancellationToken interrupted)
    {
        bool resumed = Check();
        if (request.Task is not null)
        {
            PrecisionWarning.Tell(_settings.Precisions);
        }

        if (!resumed)
        {
            _study.Create(_settings);
        }

        try
        {
            _study.Discard();
            await PrepareDataAsync(interrupted);
            Announce(resumed);
            IReadOnlyList<FailedRun> failed;
            using (var display = new StudyDisplay(_console, _study, _settings, _plan, request.Task?.SampleNoun ?? _settings.Program?.SampleNoun, TimeProvider.System))
            {
                failed = await new StudyRunner(_study, _plan, Work(), display, TimeProvider.System).RunAsync(interrupted);
            }

            return Report(failed);
        }
        catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
        {
            _study.Discard();
            _console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Stopped: {_plan.Runs.Count(_study.Has)} of {_plan.Runs.Count} runs are there."));
            _console.WriteLine($"Go on with: convoy scale {commandLine}");
            return ExitCodes.Interrupted;
        }
    }

    // What can be wrong is found here, where nothing has been written yet.
    private bool Check()
    {
        StudySettings? earlier = _study.ReadSettings();
        if (earlier is not null && _settings.Differences(earlier) is { Count: > 0 } differences)
        {
            throw new BadInputException(
                "the study in that folder has other settings", $"{string.Join("; ", differences)}; {_study.Root}", "Give the same ones to go on with it, or another --out.");
        }

        OutputFolder.RequireWritable(_study.Root);
        if (request.Task is not { } task)
        {
            return earlier is not null; // what its batch is and how it is shared out is the program's own affair
        }

        TaskProgram.CheckKernels(_plan.Run(_plan.Configurations[0]).Training);
        _samples = task.CountSamples(_plan.Run(_plan.Configurations[0]), _study.Root, ConsoleOutput.Warning);
        foreach (StudyConfiguration configuration in _plan.Configurations)
        {
            _ = new TrainingPlan(_plan.Run(configuration).Training, _samples);
        }

        return earlier is not null;
    }

    // The data is the study's: all runs read it.
    private Task PrepareDataAsync(CancellationToken interrupted) => request.Task is not { } task ? Task.CompletedTask : FrameProgress.ShowAsync(
        _console,
        "Making the data ready",
        progress => task.PrepareDataAsync(_plan.Run(_plan.Configurations[0]), _study.Root, progress, ConsoleOutput.Notice, interrupted));

    private void Announce(bool resumed)
    {
        string steps = _plan.SecondsPerRun is null
            ? string.Create(CultureInfo.InvariantCulture, $"{_plan.MeasuredSteps} steps")
            : string.Create(CultureInfo.InvariantCulture, $"up to {_plan.MeasuredSteps} steps in {_plan.SecondsPerRun:0} s");
        string warmup = _plan.WarmupSteps == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" after {_plan.WarmupSteps} that do not count");
        _console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(resumed ? "Going on with" : "Measuring")} {_plan.Configurations.Count} {(_plan.Configurations.Count == 1 ? "configuration" : "configurations")}, {_settings.Repeats} {(_settings.Repeats == 1 ? "run" : "runs")} of each, on {_settings.Cores} {(_settings.Cores == 1 ? "core" : "cores")} ({_settings.Machine}){OfProgram()}: {steps}{warmup}{OfStep()}. Into {_study.Root}"));
    }

    private string OfProgram() => _settings.Program is { } program ? $", of {ShellCommand.Join(program.Words)}" : string.Empty;

    private string OfStep() => request.Task is { } task
        ? string.Create(CultureInfo.InvariantCulture, $", a step is {_settings.BatchSize} {task.SampleNoun}s {(_settings.Weak ? "in each process (weak scaling)" : "over all processes (strong scaling)")} of {task.DescribeData(_samples)}")
        : ", or whole runs if it writes no steps";

    private IStudyWork Work() => request.Task is { } task
        ? new TaskWork(_plan, task.Workers)
        : new ProgramWork(_study, _plan, _settings.Program!, request.Program!, TimeProvider.System);

    private int Report(IReadOnlyList<FailedRun> failed)
    {
        if (!_plan.Runs.Any(_study.Has))
        {
            return Failure(failed);
        }

        Report report;
        try
        {
            report = ReportBuilder.Build(RunReader.Read([_study.Root]), new ReportOptions());
        }
        catch (AnalysisInputException error)
        {
            return ConsoleOutput.Error(error.Message, ExitCodes.Failed);
        }

        IReadOnlyList<string> files = ReportFiles.Write(report, _study.Root);
        Tell(report, files[0]);
        if (json)
        {
            using Stream standardOutput = Console.OpenStandardOutput();
            new JsonReportRenderer().Render(report, standardOutput);
            standardOutput.Write("\n"u8);
        }

        return failed.Count == 0 ? ExitCodes.Done : Failure(failed);
    }

    private void Tell(Report report, string file)
    {
        _console.WriteLine();
        foreach (string sentence in report.Summary)
        {
            _console.WriteLine(sentence);
        }

        foreach (string warning in report.Warnings)
        {
            _console.WriteLine($"Note: {warning}");
        }

        _console.WriteLine();
        if (report.Recommendation.Command is { } command)
        {
            _console.WriteLine($"{(request.Task is null ? "Start it so" : "Train with it")}: {command}");
        }

        _console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[bold]Report[/]: {file}");
    }

    private static int Failure(IReadOnlyList<FailedRun> failed) => ConsoleOutput.Error(
        string.Create(CultureInfo.InvariantCulture, $"{failed.Count} {(failed.Count == 1 ? "configuration" : "configurations")} failed ({string.Join("; ", failed.Select(f => f.Run.Configuration))}). The same command tries them again."),
        ExitCodes.Failed,
        failed.Select(f => $"{f.Run.Configuration}: {f.Reason} ({f.Folder})"));
}
