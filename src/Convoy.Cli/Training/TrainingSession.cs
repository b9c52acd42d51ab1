using System.Globalization;
using Convoy.Cli.Evaluation;
using Convoy.Distributed.Launch;
using Convoy.Lanes;
using Convoy.Lanes.Checkpoints;
using Convoy.Lanes.Models;
using Convoy.Lanes.Training;
using Spectre.Console;

namespace Convoy.Cli.Training;

/// <summary>
/// <c>convoy train</c> as its user sees it: everything is checked before anything is written; then the data is drawn if
/// need be, the processes train while this one shows how far they are, and the result is scored.
/// </summary>
internal sealed class TrainingSession(RunDirectory run, TrainingOptions options, bool draw, bool resumed)
{
    /// <summary>The hidden verb of one process of the run.</summary>
    public const string WorkerVerb = "train-worker";

    private const int Pictures = 3;

    private readonly IAnsiConsole _console = ConsoleOutput.People();

    /// <summary>Runs to the end.</summary>
    /// <param name="maxRestarts">How often a run that failed starts again from its last checkpoint.</param>
    /// <param name="interrupted">Asks for a last checkpoint and an early end.</param>
    /// <returns>The program's exit code.</returns>
    /// <exception cref="BadInputException">Something that the user gave is wrong; nothing was written.</exception>
    public async Task<int> RunAsync(int maxRestarts, CancellationToken interrupted)
    {
        Check();
        if (!resumed)
        {
            run.Create();
        }

        run.WriteConfig(options);
        if (draw)
        {
            _console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"Drawing {DrawnData.Frames} frames of road ...");
            DrawnData.Draw(run.SyntheticData, options.Seed, interrupted);
        }

        TrainingData data = TrainingData.Open(options);
        Announce(data, new TrainingPlan(options, data.Training.Count));
        LaunchResult result = await TrainAsync(maxRestarts, interrupted);
        if (result.Interrupted)
        {
            return Interrupted();
        }

        if (result.Failure is { } failure)
        {
            return ConsoleOutput.Error(Describe(failure), failure.ExitCode == ExitCodes.BadUsage ? ExitCodes.BadUsage : ExitCodes.Failed);
        }

        EvaluationReport? report = data.Validation is null ? null : Score(data, interrupted);
        Tell(report);
        return ExitCodes.Done;
    }

    // What can be wrong is found here, where nothing has been written yet.
    private void Check()
    {
        if (!draw)
        {
            TrainingData data = TrainingData.Open(options);
            data.Verify();
            _ = new TrainingPlan(options, data.Training.Count);
        }

        if (options.Pretrained is not null)
        {
            using var model = new LaneDetectionModel(options.Encoder);
            ModelWeights.LoadPretrained(model, options.Pretrained);
        }

        if (resumed)
        {
            Checkpoint checkpoint = Checkpoint.Latest(run.Checkpoints)
                ?? throw new BadInputException("the run has no checkpoint to go on from", run.Root, "Start a new run.");
            using var model = new LaneDetectionModel(options.Encoder);
            using TorchSharp.Modules.AdamW optimizer = TorchSharp.torch.optim.AdamW(model.parameters());
            checkpoint.Restore(model, optimizer);
            long steps = new TrainingPlan(options, TrainingData.Open(options).Training.Count).Steps;
            if (steps < checkpoint.State.Step || options.Steps == checkpoint.State.Step)
            {
                throw new BadInputException("the run is already that far", $"step {checkpoint.State.Step} of {steps}", "Give more --steps or --epochs.");
            }
        }
    }

    private void Announce(TrainingData data, TrainingPlan plan)
    {
        string each = options.Nproc == 1 ? "process" : "processes";
        string threads = options.Threads == 1 ? "thread" : "threads";
        _console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
            $"Training on [bold]{options.Nproc}[/] {each} x {options.Threads} {threads}: {data.Training.Count} frames at {options.ImageSize}, {plan.Steps} steps of {options.BatchSize} images, into {run.Root}");
    }

    private async Task<LaunchResult> TrainAsync(int maxRestarts, CancellationToken interrupted)
    {
        using var display = new TrainingDisplay(_console, TimeProvider.System);
        var launcher = new Launcher(new LauncherOptions
        {
            Program = LaunchProgram.ThisProgram(WorkerVerb, run.Root),
            ProcessCount = options.Nproc,
            ThreadsPerProcess = options.Threads,
            MaxRestarts = maxRestarts,
            LogDirectory = run.Logs,
            OnOutput = line =>
            {
                if (line.Rank == 0 && line.Stream == WorkerOutputStream.Output && TrainingEvent.FromLine(line.Text) is { } what)
                {
                    display.Show(what);
                }
            },
            OnRestart = (failure, restart) => display.Say($"Restart {restart} of {maxRestarts} from the last checkpoint: {Describe(failure)}"),
        });
        return await launcher.RunAsync(interrupted);
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
            _console.WriteLine("Stopped before the first update; there is no checkpoint.");
        }

        return ExitCodes.Interrupted;
    }

    private EvaluationReport Score(TrainingData data, CancellationToken interrupted)
    {
        TorchSharp.torch.set_num_threads(options.Nproc * options.Threads);
        Checkpoint checkpoint = Checkpoint.Find(run.Root);
        EvaluationReport report = EvaluationReport.Make(checkpoint, data.Validation!, options.ChannelsLast, options.LineWidth, interrupted);
        report.Write(run.Evaluation, run.Predictions);
        report.Paint(run.Overlays, Pictures);
        return report;
    }

    private void Tell(EvaluationReport? report)
    {
        report?.Print(_console);
        _console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[bold]Made[/] in {run.Root}:");
        _console.WriteLine($"  {Path.GetRelativePath(run.Root, Checkpoint.Find(run.Root).Folder)}/  the trained network (safetensors)");
        _console.WriteLine("  metrics.json, tensorboard/  loss and time of every step");
        if (report is not null)
        {
            _console.WriteLine($"  evaluation.json, predictions.json  the score of {report.Summary.Frames} held-out frames");
            _console.WriteLine($"  overlays/  {report.PicturesPainted} pictures with the lanes found");
        }

        string here = Path.GetRelativePath(Directory.GetCurrentDirectory(), run.Root);
        _console.MarkupLine("[bold]Try next[/]:");
        _console.WriteLine($"  ./convoy predict --checkpoint {here} --out pictures IMAGES   lanes in your own pictures");
        _console.WriteLine(draw
            ? "  ./convoy train --data DIR   the same on real frames in TuSimple's layout, at 800x360"
            : $"  ./convoy train --resume {here} --epochs {options.Epochs * 2}   train for longer");
    }

    private static string Describe(WorkerFailure failure)
    {
        const string mark = "convoy: error: ";
        string? reason = failure.LastLines.LastOrDefault(line => line.StartsWith(mark, StringComparison.Ordinal));
        string what = failure.Describe();
        return reason is not null
            ? $"{what}: {reason[mark.Length..]}"
            : failure.SignalName == "SIGKILL"
                ? $"{what}. If nobody sent that signal, the system may have run out of memory: use fewer processes or a smaller --batch-size."
                : $"{what}. Its output is in the run's logs/rank-{failure.Rank}.log.";
    }
}
