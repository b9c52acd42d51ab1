using Convoy.Training.Loading;
using Convoy.Training.Options;
using Convoy.Training.Tasks;
using static TorchSharp.torch;

namespace Convoy.Samples.OwnModel;

/// <summary>Which of three shapes a small drawn picture shows. Everything that Convoy has to know of it is here.</summary>
internal sealed class ShapesTask : ITrainingTask<ShapeClassifier, TensorBatch>
{
    [Option("Pictures to draw and train on.", Minimum = 1)]
    public int Pictures { get; set; } = 2048;

    public TrainingOptions Defaults => new() { BatchSize = 32, Epochs = 4, Lr = 0.002, Accumulate = 1, SyncBn = true };

    public MetricGoal Best => new("accuracy");

    public IBatchSource<TensorBatch> OpenData(TrainingContext context)
    {
        (Tensor images, Tensor kinds) = DrawnShapes.Draw(Pictures, seed: 1);
        return new TensorBatches(context.LocalBatchSize, dropLast: true, images, kinds);
    }

    public ShapeClassifier CreateModel(TrainingContext context) => new();

    public Tensor Loss(ShapeClassifier model, TensorBatch batch) => nn.functional.cross_entropy(model.call(batch[0]), batch[1]);

    public MetricTotals Evaluate(ShapeClassifier model, TrainingContext context)
    {
        var totals = new MetricTotals();
        (Tensor images, Tensor kinds) = DrawnShapes.Draw(512, seed: 2);
        using Tensor share = tensor([.. context.Share(512).Select(index => (long)index)], int64);
        using Tensor right = model.call(images[share]).argmax(1).eq(kinds[share]).sum();
        totals.Add("accuracy", right.item<long>(), share.numel());
        return totals;
    }
}
