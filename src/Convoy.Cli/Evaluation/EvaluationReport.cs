using Convoy.Lanes.Models;
using System.Globalization;
using Convoy.Lanes.Data;
using Convoy.Lanes.Evaluation;
using Convoy.Training.Checkpoints;
using Spectre.Console;
using TorchSharp;

namespace Convoy.Cli.Evaluation;

/// <summary>A detector's scores over labelled frames, and what is written, drawn and printed of them.</summary>
internal sealed class EvaluationReport
{
    private readonly IReadOnlyList<FrameEvaluation> _frames;

    private EvaluationReport(IReadOnlyList<FrameEvaluation> frames)
    {
        _frames = frames;
        Summary = EvaluationSummary.Summarize(frames);
    }

    /// <summary>The scores.</summary>
    public EvaluationSummary Summary { get; }

    /// <summary>Runs a checkpoint's network over frames.</summary>
    /// <param name="checkpoint">The network.</param>
    /// <param name="frames">The labelled frames.</param>
    /// <param name="settings">How to run it.</param>
    /// <param name="pictures">Offered every frame, or null.</param>
    /// <param name="console">Where a bar is drawn when it is a terminal.</param>
    /// <param name="cancellation">Ends the work.</param>
    public static EvaluationReport Make(
        Checkpoint checkpoint, LaneDataset frames, EvaluationSettings settings, OverlayPictures? pictures, IAnsiConsole console, CancellationToken cancellation)
    {
        torch.set_num_threads(settings.Threads);
        using LaneDetector detector = LaneDetector.Load(checkpoint, settings.ChannelsLast, settings.Dtype);
        using var evaluator = new Evaluator(detector, frames, checkpoint.LineWidth());
        var evaluated = new List<FrameEvaluation>(frames.Count);
        return FrameProgress.Show(console, "Scoring", frames.Count, progress =>
        {
            foreach (FrameEvaluation frame in evaluator.Frames(cancellation))
            {
                pictures?.Offer(frame, evaluated.Count, frames.Count, detector.Size);

                // A mask is as large as the image: thousands of them would fill the memory.
                evaluated.Add(frame with { Mask = [] });
                progress?.Report(evaluated.Count);
            }

            return new EvaluationReport(evaluated);
        });
    }

    /// <summary>The scores as one JSON document.</summary>
    public object ToJson() => new
    {
        Summary.Frames,
        Accuracy = Summary.Official?.Accuracy,
        Fp = Summary.Official?.FalsePositives,
        Fn = Summary.Official?.FalseNegatives,
        WithoutTimeRule = Summary.Untimed is { } untimed ? Numbers(untimed) : null,
        EmptyLabelLanes = Summary is { Official.EmptyLanes: { } empty, Untimed.EmptyLanes: { } untimedEmpty }
            ? new { empty.Lanes, untimedEmpty.Missed, First = empty.FirstFrame, Without = Numbers(empty.Without), WithoutAndNoTimeRule = Numbers(untimedEmpty.Without) }
            : null,
        LaneIou = Summary.Segmentation.LaneIoU,
        LaneF1 = Summary.Segmentation.F1,
        Summary.Loss,
        MeanRunTimeMs = Summary.MeanMilliseconds,
        RunTimesMs = _frames.Select(frame => frame.Prediction.RunTimeMilliseconds).ToArray(),
    };

    /// <summary>Writes the predictions in TuSimple's form, each lane in the order of its label's rows.</summary>
    public void WritePredictions(string path) => TuSimplePredictionFile.Write(path, _frames.Select(frame => frame.Frame.Label.RowsDescend ? frame.Prediction.Reversed() : frame.Prediction));

    /// <summary>Prints the scores.</summary>
    public void Print(IAnsiConsole console)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumn("Held-out frames").AddColumn(new TableColumn(Summary.Frames.ToString(CultureInfo.InvariantCulture)).RightAligned());
        if (Summary.Official is { } official && Summary.Untimed is { } untimed)
        {
            table.AddRow("TuSimple accuracy", Share(untimed.Accuracy));
            table.AddRow("TuSimple FP", Share(untimed.FalsePositives));
            table.AddRow("TuSimple FN", Share(untimed.FalseNegatives));
            if (untimed.EmptyLanes is { } empty)
            {
                table.AddRow(
                    string.Create(CultureInfo.InvariantCulture, $"the same without {empty.Lanes} label {(empty.Lanes == 1 ? "lane" : "lanes")} that {(empty.Lanes == 1 ? "has" : "have")} no point ({empty.Missed} missed)"),
                    $"{Share(empty.Without.Accuracy)}  {Share(empty.Without.FalsePositives)}  {Share(empty.Without.FalseNegatives)}");
            }

            table.AddRow($"the same with its limit of {TuSimpleMetric.TimeLimitMilliseconds:0} ms a frame", $"{Share(official.Accuracy)}  {Share(official.FalsePositives)}  {Share(official.FalseNegatives)}");
        }

        table.AddRow("Lane F1, lane IoU", $"{Share(Summary.Segmentation.F1)}  {Share(Summary.Segmentation.LaneIoU)}");
        table.AddRow("Loss", Share(Summary.Loss));
        table.AddRow("Mean time of a frame", string.Create(CultureInfo.InvariantCulture, $"{Summary.MeanMilliseconds:0} ms"));
        console.Write(table);
    }

    /// <summary>Writes scores and predictions.</summary>
    public void Write(string evaluationPath, string predictionsPath)
    {
        ConsoleOutput.JsonFile(evaluationPath, ToJson());
        WritePredictions(predictionsPath);
    }

    private static object Numbers(TuSimpleScore score) => new { score.Accuracy, Fp = score.FalsePositives, Fn = score.FalseNegatives };

    private static string Share(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
}
