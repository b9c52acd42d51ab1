// Members of a class that is a task.
using Convoy.Training.Loading;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

internal sealed class ContextTask : ITrainingTask<nn.Module<Tensor, Tensor>, TensorBatch>
{
    public IBatchSource<TensorBatch> OpenData(TrainingContext context) => throw new NotSupportedException();

    public nn.Module<Tensor, Tensor> CreateModel(TrainingContext context) => throw new NotSupportedException();

    public Tensor Loss(nn.Module<Tensor, Tensor> model, TensorBatch batch) => throw new NotSupportedException();

    // snippet
}
