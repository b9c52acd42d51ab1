using Convoy.Training;
using Convoy.Training.Loading;
using Convoy.Training.Options;
using Convoy.Training.Tasks;
using static TorchSharp.torch;

namespace Convoy.Samples.TwoInputs;

/// <summary>Whether a signal and a description of a wave belong together: a model with two inputs, an option and two metrics of its own, and its own optimizer and schedule.</summary>
internal sealed class PairsTask : ITrainingTask<MatchModel, TensorBatch>
{
    private const int HeldOut = 512;

    [Option("Standard deviation of the noise on the signals.", Minimum = 0, Maximum = 10)]
    public double Noise { get; set; } = 0.2;

    [Option("How a mistake is counted: plain, or focal, which counts hard cases more.")]
    public LossKind Kind { get; set; } = LossKind.Plain;

    public TrainingOptions Defaults => new() { BatchSize = 64, Epochs = 6, Lr = 0.05, ScaleLr = false, Accumulate = 1, Clip = 1 };

    public string SampleNoun => "pair";

    public MetricGoal Best => new("error", HigherIsBetter: false);

    public IBatchSource<TensorBatch> OpenData(TrainingContext context)
    {
        (Tensor signals, Tensor descriptions, Tensor matches) = Waves.Draw(4096, Noise, seed: 1);
        return new TensorBatches(context.LocalBatchSize, dropLast: true, signals, descriptions, matches);
    }

    public MatchModel CreateModel(TrainingContext context) => new();

    public Tensor Loss(MatchModel model, TensorBatch batch)
    {
        Tensor logits = model.call(batch[0], batch[1]);
        Tensor each = nn.functional.binary_cross_entropy_with_logits(logits, batch[2], reduction: nn.Reduction.None);
        return Kind == LossKind.Plain ? each.mean() : ((1 - (-each).exp()).pow(2) * each).mean();
    }

    public optim.Optimizer CreateOptimizer(MatchModel model, TrainingContext context) => optim.SGD(model.parameters(), context.Options.Lr, momentum: 0.9);

    public ILearningRateSchedule CreateSchedule(TrainingOptions options, long updates) => new Steps(options.PeakLr, updates);

    public MetricTotals Evaluate(MatchModel model, TrainingContext context)
    {
        var totals = new MetricTotals();
        (Tensor signals, Tensor descriptions, Tensor matches) = Waves.Draw(HeldOut, Noise, seed: 2);
        using Tensor share = tensor([.. context.Share(HeldOut).Select(index => (long)index)], int64);
        Tensor said = model.call(signals[share], descriptions[share]) > 0, truth = matches[share] > 0.5;
        totals.Add("error", said.ne(truth).sum().item<long>(), share.numel());
        totals.Add("recall", (said & truth).sum().item<long>(), truth.sum().item<long>());
        return totals;
    }

    /// <summary>A tenth of the rate for the last third.</summary>
    private sealed class Steps(double rate, long updates) : ILearningRateSchedule
    {
        public double At(long update) => update < updates * 2 / 3 ? rate : rate / 10;
    }
}

/// <summary>How a mistake is counted.</summary>
internal enum LossKind
{
    /// <summary>Cross entropy.</summary>
    Plain,

    /// <summary>The focal loss of Lin et al., 2017, with gamma 2.</summary>
    Focal,
}
