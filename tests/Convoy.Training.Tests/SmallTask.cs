using System.Text.Json.Nodes;
using Convoy.Training.Loading;
using Convoy.Training.Options;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Convoy.Training.Tests;

/// <summary>A task whose steps take a millisecond: whether the left or the right half of a noisy picture is brighter.</summary>
internal sealed class SmallTask : ITrainingTask<SmallModel, TensorBatch>
{
    private const int Size = 8;

    [Option("Pictures to train on.", Minimum = 1)]
    public int Samples { get; set; } = 24;

    [Option("Share of the features to drop.", Minimum = 0, Maximum = 1, BelowMaximum = true)]
    public double Dropout { get; set; }

    /// <summary>Makes the optimizer; null for the trainer's.</summary>
    public Func<SmallModel, TrainingContext, optim.Optimizer?>? Optimizer { get; init; }

    /// <summary>Makes the schedule; null for the trainer's.</summary>
    public Func<TrainingOptions, long, ILearningRateSchedule>? Schedule { get; init; }

    /// <summary>Evaluates; null for a task without evaluation.</summary>
    public Func<SmallModel, TrainingContext, MetricTotals?>? Evaluation { get; init; }

    public MetricGoal? Best { get; init; }

    public bool EvaluatesAtEnd { get; init; } = true;

    public JsonObject? CheckpointState { get; init; }

    public string SampleNoun => "picture";

    public IBatchSource<TensorBatch> OpenData(TrainingContext context)
    {
        (Tensor pictures, Tensor brighter) = Draw(Samples, seed: 1);
        return new TensorBatches(context.LocalBatchSize, dropLast: true, pictures, brighter);
    }

    public SmallModel CreateModel(TrainingContext context) => new(Dropout);

    public Tensor Loss(SmallModel model, TensorBatch batch) => functional.cross_entropy(model.call(batch[0]), batch[1]);

    public optim.Optimizer? CreateOptimizer(SmallModel model, TrainingContext context) => Optimizer?.Invoke(model, context);

    public ILearningRateSchedule CreateSchedule(TrainingOptions options, long updates) => (Schedule ?? WarmupCosine.Create)(options, updates);

    public MetricTotals? Evaluate(SmallModel model, TrainingContext context) => Evaluation?.Invoke(model, context);

    /// <summary>Draws pictures.</summary>
    /// <returns>[count, 1, 8, 8] float32 pictures, and [count] int64: 0 where the left half is brighter, 1 where the right one is.</returns>
    public static (Tensor Pictures, Tensor Brighter) Draw(int count, ulong seed)
    {
        using var generator = new Generator(seed);
        using DisposeScope scope = NewDisposeScope();
        Tensor brighter = randint(2, [count], int64, generator: generator);
        Tensor pictures = randn([count, 1, Size, Size], generator: generator);
        Tensor right = brighter.reshape(count, 1, 1, 1).to(float32);
        pictures.narrow(3, Size / 2, Size / 2).add_(right);
        pictures.narrow(3, 0, Size / 2).add_(1 - right);
        return (pictures.DetachFromDisposeScope(), brighter.DetachFromDisposeScope());
    }
}

/// <summary>Two convolutions with batch norm: [N, 1, 8, 8] pictures to [N, 2] logits.</summary>
internal sealed class SmallModel : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> layers;

    public SmallModel(double dropout)
        : base(nameof(SmallModel))
    {
        layers = Sequential(
            Conv2d(1, 8, 3, padding: 1, bias: false), BatchNorm2d(8), ReLU(),
            Conv2d(8, 8, 3, padding: 1, bias: false), BatchNorm2d(8), ReLU(),
            AdaptiveAvgPool2d([1, 4]), Flatten(), nn.Dropout(dropout), Linear(32, 2));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => layers.call(input);
}
