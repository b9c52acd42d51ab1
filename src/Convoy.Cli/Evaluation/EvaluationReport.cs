using System.Globalization;
using Convoy.Lanes.Checkpoints;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing;
using Convoy.Lanes.Evaluation;
using Spectre.Console;

namespace Convoy.Cli.Evaluation;

/// <summary>A detector's scores over labelled frames, and what is written, drawn and printed of them.</summary>
internal sealed class EvaluationReport
{
    private readonly IReadOnlyList<FrameEvaluation> _frames;
    private readonly ImageSize _networkSize;

    private EvaluationReport(IReadOnlyList<FrameEvaluation> frames, ImageSize networkSize)
    {
        _frames = frames;
        _networkSize = networkSize;
        Summary = EvaluationSummary.Of(frames);
    }

    /// <summary>The scores.</summary>
    public EvaluationSummary Summary { get; }

    /// <summary>How many pictures <see cref="Paint"/> has drawn.</summary>
    public int PicturesPainted { get; private set; }

    /// <summary>Runs a checkpoint's network over frames.</summary>
    public static EvaluationReport Make(Checkpoint checkpoint, LaneDataset frames, bool channelsLast, double? lineWidth, CancellationToken cancellation)
    {
        ImageSize size = ImageSize.Parse(checkpoint.State.ImageSize);
        using var detector = new LaneDetector(checkpoint.LoadModel(), size, channelsLast);
        using var evaluator = new Evaluator(detector, frames, lineWidth);
        return new EvaluationReport([.. evaluator.Frames(cancellation)], size);
    }

    /// <summary>The scores as one JSON document.</summary>
    public object ToJson() => new
    {
        Summary.Frames,
        Accuracy = Summary.Official?.Accuracy,
        Fp = Summary.Official?.FalsePositives,
        Fn = Summary.Official?.FalseNegatives,
        WithoutTimeRule = Summary.Untimed is { } untimed ? new { untimed.Accuracy, Fp = untimed.FalsePositives, Fn = untimed.FalseNegatives } : null,
        LaneIou = Summary.Segmentation.LaneIoU,
        LaneF1 = Summary.Segmentation.F1,
        Summary.Loss,
        MeanRunTimeMs = Summary.MeanMilliseconds,
        RunTimesMs = _frames.Select(frame => frame.Prediction.RunTimeMilliseconds).ToArray(),
    };

    /// <summary>Writes the predictions in TuSimple's form.</summary>
    public void WritePredictions(string path) => TuSimplePredictionFile.Write(path, _frames.Select(frame => frame.Prediction));

    /// <summary>Draws some of the frames, spread evenly over all, with the true lanes.</summary>
    public void Paint(string directory, int count)
    {
        Directory.CreateDirectory(directory);
        PicturesPainted = Math.Min(count, _frames.Count);
        for (int i = 0; i < PicturesPainted; i++)
        {
            FrameEvaluation frame = _frames[(int)((i + 0.5) * _frames.Count / PicturesPainted)];
            string name = frame.Frame.Label.RawFile.Replace('/', '-');
            OverlayPainter.Paint(
                frame.Frame.ImagePath,
                frame.Prediction.Lanes,
                frame.Frame.Label.HSamples,
                frame.Frame.Label.Lanes,
                Path.Combine(directory, Path.ChangeExtension(name, ".jpg")),
                new OverlayOptions
                {
                    Mask = frame.Mask,
                    MaskSize = _networkSize,
                    Caption = string.Create(CultureInfo.InvariantCulture, $"{frame.Prediction.Lanes.Length} lanes in {frame.Prediction.RunTimeMilliseconds:0} ms   lane F1 {frame.Segmentation.F1:0.00}   white: label"),
                });
        }
    }

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

    private static string Share(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);
}
