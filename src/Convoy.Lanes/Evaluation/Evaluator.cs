using Convoy.Lanes.Data;
using Convoy.Lanes.Losses;
using static TorchSharp.torch;

namespace Convoy.Lanes.Evaluation;

/// <summary>Runs a detector over labelled frames.</summary>
public sealed class Evaluator : IDisposable
{
    private readonly LaneDetector _detector;
    private readonly LaneDataLoader _loader;
    private readonly LaneLoss _criterion = new();

    /// <summary>Prepares the frames as training did, without random changes.</summary>
    /// <param name="detector">The detector; stays the caller's.</param>
    /// <param name="frames">The labelled frames.</param>
    /// <param name="lineWidth">The width of a lane in the true masks, in pixels at the network's size. Default: as in training.</param>
    /// <param name="workers">Threads that read frames ahead.</param>
    public Evaluator(LaneDetector detector, LaneDataset frames, double? lineWidth = null, int workers = 1)
    {
        _detector = detector;
        _loader = new LaneDataLoader(frames, new LaneLoaderOptions
        {
            ImageSize = detector.Size,
            BatchSize = 1,
            Workers = workers,
            LineWidth = lineWidth,
            ChannelsLast = detector.ChannelsLast,
        });
    }

    /// <summary>The frames one by one, in order. The first image is run once beforehand, so that no frame's time includes setting up kernels.</summary>
    /// <param name="cancellation">Ends the enumeration.</param>
    public IEnumerable<FrameEvaluation> Frames(CancellationToken cancellation = default)
    {
        bool warm = false;
        foreach (LaneBatch batch in _loader.Epoch([.. Enumerable.Range(0, _loader.Dataset.Count)], 0, 0, cancellation))
        {
            using LaneBatch one = batch;
            if (!warm)
            {
                _detector.Logits(one.Images).Dispose();
                warm = true;
            }

            yield return Evaluate(_loader.Dataset.Frames[one.FrameIndices[0]], one);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _loader.Dispose();
        _criterion.Dispose();
    }

    private FrameEvaluation Evaluate(LaneFrame frame, LaneBatch one)
    {
        using var scope = NewDisposeScope();
        using IDisposable noGrad = inference_mode();
        using DetectedLanes found = _detector.Detect(one.Images, ImageHeader.Read(frame.ImagePath), frame.Label.HSamples);
        using Tensor truth = one.Masks.to(ScalarType.Byte).contiguous();
        return new FrameEvaluation(
            frame,
            new TuSimplePrediction(frame.Label.RawFile, [.. found.Lanes], found.RunTimeMilliseconds),
            found.Mask,
            SegmentationScore.Count(found.Mask, truth.bytes),
            _criterion.call(found.Logits, one.Masks).item<float>());
    }
}

/// <summary>What the detector found in one labelled frame.</summary>
/// <param name="Frame">The frame.</param>
/// <param name="Prediction">Its lanes at the label's rows, and the time from the decoded, normalised image to the lanes.</param>
/// <param name="Mask">The predicted mask at the network's size, row by row, 1 for lane.</param>
/// <param name="Segmentation">The mask compared with the true one.</param>
/// <param name="Loss">The frame's loss.</param>
public sealed record FrameEvaluation(LaneFrame Frame, TuSimplePrediction Prediction, byte[] Mask, SegmentationScore Segmentation, double Loss);

/// <summary>The scores of a detector over labelled frames.</summary>
/// <param name="Frames">How many frames.</param>
/// <param name="Loss">The mean of the frames' losses.</param>
/// <param name="Segmentation">Masks compared with the true ones, over all pixels.</param>
/// <param name="Official">TuSimple's metric with its limit of 200 ms per frame, or null for frames that have masks only.</param>
/// <param name="Untimed">TuSimple's metric without that limit, or null for frames that have masks only.</param>
/// <param name="MeanMilliseconds">The mean time per frame, from image to lanes.</param>
public sealed record EvaluationSummary(
    int Frames,
    double Loss,
    SegmentationScore Segmentation,
    TuSimpleScore? Official,
    TuSimpleScore? Untimed,
    double MeanMilliseconds)
{
    /// <summary>The scores over some frames.</summary>
    /// <param name="frames">At least one frame.</param>
    public static EvaluationSummary Summarize(IReadOnlyList<FrameEvaluation> frames)
    {
        ArgumentOutOfRangeException.ThrowIfZero(frames.Count);
        TuSimplePrediction[] predictions = [.. frames.Select(frame => frame.Prediction)];
        Data.TuSimpleLabel[] labels = [.. frames.Select(frame => frame.Frame.Label)];
        bool hasPoints = frames.All(frame => frame.Frame.MaskPath is null);
        return new EvaluationSummary(
            frames.Count,
            frames.Average(frame => frame.Loss),
            frames.Aggregate(default(SegmentationScore), (sum, frame) => sum + frame.Segmentation),
            hasPoints ? TuSimpleMetric.Score(predictions, labels) : null,
            hasPoints ? TuSimpleMetric.Score(predictions, labels, applyTimeRule: false) : null,
            predictions.Average(prediction => prediction.RunTimeMilliseconds));
    }
}
