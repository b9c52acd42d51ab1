using System.Globalization;
using Convoy.Cli.Evaluation;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Launch;
using Convoy.Lanes.Checkpoints;
using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using Convoy.Lanes.Training;
using Convoy.Training;
using Spectre.Console;
using TorchSharp;
using AdamW = TorchSharp.Modules.AdamW;

namespace Convoy.Cli.Training;

/// <summary>
/// <c>convoy train</c> as its user sees it: everything is checked before anything is written; then the data is drawn if
/// need be, the processes train while this one shows how far they are, and the result is scored.
/// </summary>
/// <param name="run">Where the run keeps its files.</param>
/// <param name="options">The run's settings from here on.</param>
/// <param name="draw">Whether its data is drawn.</param>
/// <param name="resumed">The run that goes on; null for a new one.</param>
internal sealed class TrainingSession(RunDirectory run, TrainingOptions options, bool draw, ResumedRun? resumed)
{
    private const int Pictures = 3;

    private readonly IAnsiConsole _console = ConsoleOutput.People();
    private StartingPoint? _start;

    /// <summary>Runs to the end.</summary>
    /// <param name="maxRestarts">How often a run that failed starts again from its last checkpoint.</param>
    /// <param name="trace">The steps to put on a time line; null for none.</param>
    /// <param name="interrupted">Asks for a last checkpoint and an early end.</param>
    /// <returns>The program's exit code.</returns>
    /// <exception cref="BadInputException">Something that the user gave is wrong; nothing was written.</exception>
    public async Task<int> RunAsync(int maxRestarts, TraceSteps? trace, CancellationToken interrupted)
    {
        // A run that goes on elsewhere must not be looked at while it changes; a new one has no folder yet.
        using RunLock held = resumed is not null ? await RunLock.AcquireAsync(run, TimeProvider.System, interrupted) : await CheckAndCreateAsync(interrupted);
        IReadOnlyList<string> changes = resumed is not null ? CheckResumed(resumed, held.WasCutShort) : [];
        PrecisionWarning.Tell(options.Precision);
        held.Begin();
        run.RemoveLeftovers();
        if (resumed is not null)
        {
            run.GoBackTo(_start!.Checkpoint?.State.Step ?? 0);
        }

        LaunchResult result;
        TrainingData data;
        try
        {
            data = Prepare(changes, interrupted);
            result = await TrainAsync(held, maxRestarts, trace, interrupted);
        }
        catch when (resumed is null && !run.HasSteps)
        {
            // No process ever trained: what is there would only block the next try. Some systems keep the folder of an open file.
            held.Dispose();
            run.Remove();
            throw;
        }

        bool traced = trace is not null && MergeTraces(failed: result.Failure is not null);
        if (result.Interrupted)
        {
            return Interrupted();
        }

        if (result.Failure is { } failure)
        {
            TellLastOperations();
            return ConsoleOutput.Error(FailureText.Of(failure), failure.ExitCode == ExitCodes.BadUsage ? ExitCodes.BadUsage : ExitCodes.Failed);
        }

        try
        {
            var pictures = new OverlayPictures(run.Overlays, Pictures);
            Tell(data.Validation is null || options.KeepCheckpoints == 0 ? null : Score(data.Validation, pictures, interrupted), pictures.Painted, traced);
            held.End();
            return ExitCodes.Done;
        }
        catch (OperationCanceledException)
        {
            _console.WriteLine("Stopped: the training is done, its scoring is not.");
            _console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"Score it with: [bold]convoy eval --checkpoint {run.Root} --data {options.Val ?? options.Data}[/]");
            return ExitCodes.Interrupted;
        }
    }

    private TrainingData Prepare(IReadOnlyList<string> changes, CancellationToken interrupted)
    {
        // Before the data is drawn: from now on --resume goes on with the run, whatever kills this session.
        run.WriteConfig(options);
        if (draw)
        {
            _console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"Drawing {DrawnData.Frames} frames of road ...");
            FrameProgress.Show(_console, "Drawing", DrawnData.Frames, progress =>
                DrawnData.Draw(run.SyntheticData, DrawnData.Frames, options.Seed, progress, interrupted));
        }

        foreach (string change in changes)
        {
            _console.WriteLine($"Changed: {change}.");
        }

        if (resumed is not null && _start!.Checkpoint is null)
        {
            _console.WriteLine("The run has no checkpoint yet: it begins anew.");
        }

        TrainingData data = TrainingData.Open(options);
        Announce(data, new TrainingPlan(options, data.Training.Count));
        return data;
    }

    // What can be wrong is found here, where nothing has been written yet.
    private async Task<RunLock> CheckAndCreateAsync(CancellationToken interrupted)
    {
        _ = new TrainingPlan(options, TrainingInputs.Check(options, draw ? DrawnData.Frames : null));
        run.Create();
        RunLock held = await RunLock.AcquireAsync(run, TimeProvider.System, interrupted);
        try
        {
            // Two sessions may have found the folder empty; the other one may be done by now.
            run.Create();
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <param name="earlier">The run.</param>
    /// <param name="cutShort">Whether its last session was killed or failed, so that this one may have nothing to do but to end it.</param>
    /// <returns>What the run does otherwise than before, a line each.</returns>
    private IReadOnlyList<string> CheckResumed(ResumedRun earlier, bool cutShort)
    {
        var plan = new TrainingPlan(options, TrainingInputs.Check(options, draw ? DrawnData.Frames : null));
        _start = earlier.Start(options.Nproc);
        foreach (string warning in _start.Warnings)
        {
            ConsoleOutput.Warning(warning);
        }

        TrainingOptions before = run.ReadConfig();
        bool scored = options.KeepCheckpoints > 0 && (options.Val is not null || options.ValSplit > 0);
        long done = _start.Checkpoint?.State.Step ?? 0;
        if (_start.Checkpoint is { } checkpoint)
        {
            using var model = new LaneDetectionModel(options.Encoder);
            using AdamW optimizer = torch.optim.AdamW(model.parameters());
            checkpoint.Restore(model, optimizer);
        }
        else if (earlier.IsComplete(plan.Steps, scored: false))
        {
            throw new BadInputException("the run is done and kept no checkpoint to go on from", run.Root, "Start a new run.");
        }

        if (plan.Steps < done || (plan.Steps == done && !cutShort && earlier.IsComplete(done, scored)))
        {
            throw new BadInputException("the run is already that far", $"step {done} of {plan.Steps}", "Give more --steps or --epochs; 'convoy eval' scores it as it is.");
        }

        return done == 0 ? [] : [.. ResumeChanges.Describe(before, options, HeldOut(before), HeldOut(options) ?? 0)];
    }

    // Null when the data of before is gone: the run goes on with other data.
    private static int? HeldOut(TrainingOptions of)
    {
        try
        {
            return TrainingData.Open(of).Validation?.Count ?? 0;
        }
        catch (BadInputException)
        {
            return null;
        }
    }

    private void Announce(TrainingData data, TrainingPlan plan)
    {
        string each = options.Nproc == 1 ? "process" : "processes";
        string threads = options.Threads == 1 ? "thread" : "threads";
        _console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
            $"Training on [bold]{options.Nproc}[/] {each} x {options.Threads} {threads}: {data.Training.Count} frames at {options.ImageSize}, {plan.Steps} steps of {options.BatchSize} images, into {run.Root}");
    }

    private async Task<LaunchResult> TrainAsync(RunLock held, int maxRestarts, TraceSteps? trace, CancellationToken interrupted)
    {
        using var display = new TrainingDisplay(_console, TimeProvider.System);
        var said = new HashSet<string>(_start?.Warnings ?? []);
        var processes = new TrainingProcesses(run, options)
        {
            Session = held.Session,
            MaxRestarts = maxRestarts,
            Trace = trace,
            OnEvent = what =>
            {
                // The workers look for the checkpoint again, and say again what this process has said.
                if (what.Warning is { } warning && said.Add(warning))
                {
                    ConsoleOutput.Warning(warning);
                }

                display.Show(what);
            },
            OnNotice = display.Notice,
            OnRestart = (failure, restart) => display.Say($"Restart {restart} of {maxRestarts} from the last checkpoint: {FailureText.Of(failure)}"),
        };
        return await processes.RunAsync(interrupted);
    }

    private bool MergeTraces(bool failed)
    {
        try
        {
            return TraceFile.Merge(run.Logs, run.Trace, ConsoleOutput.Notice);
        }
        catch (Exception error) when (failed && error is IOException or UnauthorizedAccessException)
        {
            // The run's own error comes after this and counts more.
            ConsoleOutput.Notice($"the trace cannot be written ({error.Message})");
            return false;
        }
    }

    // Which rank did not do what the others did is often all that there is to know.
    private void TellLastOperations()
    {
        if (FlightRecorderAnalysis.Read(run.Logs, ConsoleOutput.Notice) is { Findings.Count: > 0 } analysis)
        {
            _console.WriteLine($"Last operations of the ranks (logs/flight-recorder-rank-*.json): {analysis}");
        }
    }

    private int Interrupted()
    {
        if (Checkpoint.Latest(run.Checkpoints) is { } checkpoint)
        {
            _console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"Stopped; the checkpoint is {checkpoint.Folder}");
            _console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"Go on with: [bold]convoy train --resume {run.Root}[/]");
        }
        else
        {
            _console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"Stopped before a checkpoint could be written. Begin anew with: [bold]convoy train --resume {run.Root}[/]");
        }

        return ExitCodes.Interrupted;
    }

    private EvaluationReport Score(LaneDataset validation, OverlayPictures pictures, CancellationToken interrupted)
    {
        var settings = new EvaluationSettings(options.Nproc * options.Threads, options.ChannelsLast);
        EvaluationReport report = EvaluationReport.Make(Checkpoint.Find(run.Root), validation, settings, pictures, _console, interrupted);
        report.Write(run.Evaluation, run.Predictions);
        return report;
    }

    private void Tell(EvaluationReport? report, int pictures, bool traced)
    {
        report?.Print(_console);
        _console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[bold]Made[/] in {run.Root}:");
        if (options.KeepCheckpoints > 0)
        {
            _console.WriteLine($"  {Path.GetRelativePath(run.Root, Checkpoint.Find(run.Root).Folder)}/  the trained network (safetensors)");
        }

        _console.WriteLine("  metrics.json, tensorboard/  loss and time of every step");
        if (traced)
        {
            _console.WriteLine("  trace.json  a time line of some steps; open it in ui.perfetto.dev or chrome://tracing");
        }

        if (report is not null)
        {
            _console.WriteLine($"  evaluation.json, predictions.json  the score of {report.Summary.Frames} held-out frames");
            _console.WriteLine($"  overlays/  {pictures} pictures with the lanes found");
        }

        string here = Path.GetRelativePath(Directory.GetCurrentDirectory(), run.Root);
        _console.MarkupLine("[bold]Try next[/]:");
        _console.WriteLine(options.KeepCheckpoints > 0
            ? $"  ./convoy predict --checkpoint {here} --out pictures IMAGES   lanes in your own pictures"
            : $"  ./convoy report {here}   where the time of a step goes");
        _console.WriteLine(draw
            ? "  ./convoy train --data DIR   the same on real frames in TuSimple's layout, at 800x360"
            : options.KeepCheckpoints == 0
            ? "  ./convoy train --keep-checkpoints 1   the same with a network to keep"
            : $"  ./convoy train --resume {here} --epochs {options.Epochs * 2}   train for longer");
    }
}
