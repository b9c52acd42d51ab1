using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Lanes.Data;
using Convoy.Lanes.Evaluation;
using Convoy.Lanes.Losses;
using Convoy.Lanes.Models;
using Convoy.Torch.Amp;
using Convoy.Torch.Nn;
using Convoy.Training.Loading;
using Convoy.Training.Options;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Training;

/// <summary>The lane detector as a task: TuSimple's frames, a ResNet with a decoder, weighted cross entropy with Dice, and TuSimple's metric.</summary>
public sealed class LaneTask : ITrainingTask<LaneDetectionModel, LaneBatch>, ITaskPreparation, IDisposable
{
    private LaneLoss? _loss;

    /// <summary>The task's settings.</summary>
    public LaneOptions Options { get; init; } = new();

    /// <summary>How many frames to draw where the data is to be drawn; at least 1. Default: those of a training run.</summary>
    public int FramesToDraw { get; init; } = DrawnData.Frames;

    /// <inheritdoc/>
    public object Settings => Options;

    /// <inheritdoc/>
    public string SampleNoun => "image";

    /// <inheritdoc/>
    public MetricGoal? Best => new("accuracy");

    /// <summary>False: <c>convoy train</c> scores the checkpoint after the ranks are gone, with all cores.</summary>
    public bool EvaluatesAtEnd => false;

    /// <inheritdoc/>
    public JsonObject CheckpointState => new()
    {
        [LaneCheckpoint.EncoderName] = Options.Encoder.ToString(),
        [LaneCheckpoint.ImageSizeName] = Options.ImageSize.ToString(),
        [LaneCheckpoint.LineWidthName] = Options.LineWidth,
    };

    /// <inheritdoc/>
    public IBatchSource<LaneBatch> OpenData(TrainingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new LaneDataLoader(LaneData.Open(Options).Training, LaneData.LoaderOptions(Options, context.Options, context.LocalBatchSize), context.Time, context.Stop);
    }

    /// <inheritdoc/>
    public LaneDetectionModel CreateModel(TrainingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _loss?.Dispose();
        _loss = new LaneLoss(fused: context.Options.Fuse.Has(FusedOperations.Loss));
        var model = new LaneDetectionModel(Options.Encoder);
        if (Options.Pretrained is not null)
        {
            PretrainedEncoder.Load(model, Options.Pretrained);
        }

        return model;
    }

    /// <inheritdoc/>
    public Tensor Loss(LaneDetectionModel model, LaneBatch batch)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(batch);
        return _loss!.call(model.call(batch.Images), batch.Masks);
    }

    /// <inheritdoc/>
    public LaneBatch CreateSyntheticBatch(TrainingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        LaneLoaderOptions options = LaneData.LoaderOptions(Options, context.Options, context.LocalBatchSize);

        // The source lives on with the batch, whose memory it is.
        IBatchSource<LaneBatch> batches = SyntheticLaneBatches.Create(options, options.BatchSize, context.Options.Seed + context.Group.Rank);
        return batches.Epoch([.. Enumerable.Range(0, options.BatchSize)], epoch: 0).First();
    }

    /// <summary>TuSimple's accuracy, its false positives and negatives, without the time rule, and the loss, over the held-out frames.</summary>
    /// <param name="model">The model.</param>
    /// <param name="context">The process that asks.</param>
    public MetricTotals? Evaluate(LaneDetectionModel model, TrainingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (LaneData.Open(Options).Validation is not { } held)
        {
            return null;
        }

        // As 'convoy train' scores a checkpoint: in float32, whatever it was trained in.
        using Autocast? wide = context.Options.Precision == Precision.Fp32 ? null : Autocast.Enter(DeviceType.CPU, enabled: false);
        var totals = new MetricTotals();
        LaneDataset share = held.Select([.. context.Share(held.Count)]);
        using var detector = new LaneDetector(model, Options.ImageSize, context.Options.ChannelsLast);
        using var evaluator = new Evaluator(detector, share, Options.LineWidth);
        FrameEvaluation[] frames = [.. evaluator.Frames(context.Stop).Select(frame => frame with { Mask = [] })];
        EvaluationSummary? summary = frames.Length == 0 ? null : EvaluationSummary.Summarize(frames);
        totals.Add("loss", (summary?.Loss ?? 0) * frames.Length, frames.Length);
        if (held.Frames.All(frame => frame.MaskPath is null))
        {
            totals.Add("accuracy", (summary?.Untimed!.Accuracy ?? 0) * frames.Length, frames.Length);
            totals.Add("fp", (summary?.Untimed!.FalsePositives ?? 0) * frames.Length, frames.Length);
            totals.Add("fn", (summary?.Untimed!.FalseNegatives ?? 0) * frames.Length, frames.Length);
        }

        return totals;
    }

    /// <inheritdoc/>
    public int CountSamples(TrainingContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        LaneData.LoaderOptions(Options, context.Options, context.LocalBatchSize).Validate();
        int frames = CountFrames(context);
        if (Options.Pretrained is not null)
        {
            using var model = new LaneDetectionModel(Options.Encoder);
            PretrainedEncoder.Load(model, Options.Pretrained);
        }

        if (Options.Cache is not null)
        {
            OutputFolder.RequireWritable(Options.Cache);
        }

        return frames;
    }

    /// <inheritdoc/>
    public void PrepareData(DataPreparation preparation)
    {
        ArgumentNullException.ThrowIfNull(preparation);
        if (IsToBeDrawn(preparation.Folder))
        {
            DrawnData.Draw(Options.Data, FramesToDraw, preparation.Seed, new DrawingProgress(preparation.Progress, FramesToDraw), preparation.Stop);
        }
    }

    /// <inheritdoc/>
    public string DescribeData(int samples) => string.Create(CultureInfo.InvariantCulture, $"{samples} frames at {Options.ImageSize}");

    /// <inheritdoc/>
    public IEnumerable<string> DescribeChanges(JsonObject earlier)
    {
        var before = new LaneOptions();
        LaneOptions.Table.Apply(before, earlier);
        if (before.Data != Options.Data || before.Val != Options.Val || before.ValSplit != Options.ValSplit)
        {
            string was = CountHeldOut(before) is { } frames ? frames.ToString(CultureInfo.InvariantCulture) : "?";
            yield return string.Create(CultureInfo.InvariantCulture, $"held-out frames {was} -> {CountHeldOut(Options) ?? 0}: the run is scored on others than before, among them perhaps frames that it has trained on");
        }
    }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> RecordedValues(string folder) =>
        Options.Data == DrawnData.Folder(folder) ? new Dictionary<string, string> { ["data"] = DrawnData.Name } : new Dictionary<string, string>();

    /// <inheritdoc/>
    public void Dispose() => _loss?.Dispose();

    private int CountFrames(TrainingContext context)
    {
        if (!IsToBeDrawn(context.Folder))
        {
            LaneData data = LaneData.Open(Options);
            Warn(data.Verify(), context);
            return data.Training.Count;
        }

        if (Options.Val is not null)
        {
            Warn([LaneDataset.Open(Options.Val).Verify()], context);
        }

        return Options.Val is not null || Options.ValSplit == 0 ? FramesToDraw : FramesToDraw - LaneDataset.HeldOut(FramesToDraw, Options.ValSplit);
    }

    // Data that is to lie in the folder of the run or study, and does not yet: a run that was killed while it was drawn has none either.
    private bool IsToBeDrawn(string folder) => Options.Data == DrawnData.Folder(folder) && !Directory.Exists(Options.Data);

    // Null when the data is gone.
    private static int? CountHeldOut(LaneOptions options)
    {
        try
        {
            return LaneData.Open(options).Validation?.Count ?? 0;
        }
        catch (BadInputException)
        {
            return null;
        }
    }

    private static void Warn(IEnumerable<DatasetRemarks> remarks, TrainingContext context)
    {
        foreach (string line in remarks.SelectMany(part => part.Lines))
        {
            context.Warn(line);
        }
    }

    private sealed class DrawingProgress(IProgress<(int Done, int Total)> progress, int total) : IProgress<int>
    {
        public void Report(int value) => progress.Report((value, total));
    }
}
