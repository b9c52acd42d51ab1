using Convoy.Cli.Evaluation;
using Convoy.Lanes.Data;
using Convoy.Lanes.Training;
using Convoy.Training.Checkpoints;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Runs;
using Spectre.Console;

namespace Convoy.Cli.Training;

/// <summary>A training run of the lane detector: at its end the checkpoint is scored on the held-out frames, with all cores of the ranks.</summary>
internal sealed class LaneSession : TrainingSession
{
    private const int Pictures = 3;

    private readonly LaneOptions _options;
    private readonly bool _isDrawn;
    private readonly IAnsiConsole _console;

    /// <inheritdoc cref="TrainingSession"/>
    public LaneSession(TaskProgram task, RunDirectory run, RunConfiguration configuration, ResumedRun? resumed, ITrainingDisplay display, IAnsiConsole console, LaunchedJob? job = null)
        : base(task, run, configuration, resumed, display, job)
    {
        _options = new LaneOptions();
        LaneOptions.Table.Apply(_options, configuration.Task);
        _isDrawn = _options.Data == DrawnData.Folder(run.Root);
        _console = console;
    }

    /// <inheritdoc/>
    protected override bool IsScored => _options.Val is not null || _options.ValSplit > 0;

    /// <inheritdoc/>
    protected override Task<int> FinishAsync(bool traced, CancellationToken interrupted)
    {
        TrainingOptions options = Configuration.Training;
        try
        {
            var pictures = new OverlayPictures(Path.Combine(Run.Root, "overlays"), Pictures);
            LaneDataset? validation = options.KeepCheckpoints == 0 ? null : LaneData.Open(_options).Validation;
            EvaluationReport? report = validation is null ? null : Score(validation, pictures, interrupted);
            report?.Print(_console);
            TellMade(traced, report is null ? [] :
            [
                $"  evaluation.json, predictions.json  the score of {report.Summary.Frames} held-out frames",
                $"  overlays/  {pictures.Painted} pictures with the lanes found",
            ]);
            TellNext(options);
            return Task.FromResult(ExitCodes.Done);
        }
        catch (OperationCanceledException)
        {
            Display.Say("Stopped: the training is done, its scoring is not.");
            Display.Say("Score it with: ", $"convoy eval --checkpoint {Run.Root} --data {_options.Val ?? _options.Data}");
            return Task.FromResult(ExitCodes.Interrupted);
        }
    }

    private EvaluationReport Score(LaneDataset validation, OverlayPictures pictures, CancellationToken interrupted)
    {
        TrainingOptions options = Configuration.Training;
        var settings = new EvaluationSettings(Cores, options.ChannelsLast);
        EvaluationReport report = EvaluationReport.Make(Checkpoint.Find(Run.Root), validation, settings, pictures, _console, interrupted);
        report.Write(Run.Evaluation, Path.Combine(Run.Root, "predictions.json"));
        return report;
    }

    private void TellNext(TrainingOptions options)
    {
        Display.Say(string.Empty, "Try next:");
        Display.Say(options.KeepCheckpoints > 0
            ? $"  ./convoy predict --checkpoint {Here()} --out pictures IMAGES   lanes in your own pictures"
            : $"  ./convoy report {Here()}   where the time of a step goes");
        Display.Say(_isDrawn
            ? "  ./convoy train --data DIR   the same on real frames in TuSimple's layout, at 800x360"
            : options.KeepCheckpoints == 0
            ? "  ./convoy train --keep-checkpoints 1   the same with a network to keep"
            : $"  ./convoy train --resume {Here()} --epochs {options.Epochs * 2}   train for longer");
    }
}
