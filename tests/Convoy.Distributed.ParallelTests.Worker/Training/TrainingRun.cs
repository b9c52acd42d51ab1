using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker.Training;

/// <summary>Trains a task on this rank's part of the batch.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly nn.Module<Tensor, Tensor> _network;
    private readonly DistributedDataParallel<Tensor, Tensor> _model;
    private readonly TorchSharp.Modules.OptimizerHelper _optimizer;
    private readonly Tensor _inputs;
    private readonly Tensor _labels;

    public TrainingRun(TrainingTask task, ScalarType type, ProcessGroup group, DistributedDataParallelOptions? options = null)
    {
        // Rank 0's weights are those of every run; the wrapper must bring them to the other ranks.
        random.manual_seed(11 + group.Rank);
        _network = task.Network(group, type);
        _model = new DistributedDataParallel<Tensor, Tensor>(_network, group, options);
        TorchSharp.Modules.Parameter[] trained = [.. _model.parameters().Where(p => p.requires_grad)];
        // An epsilon far above the rounding of gradients that are nearly zero, which Adam would blow up to whole steps.
        _optimizer = task.IsAdam
            ? optim.AdamW(trained, lr: 0.02, eps: 1e-3)
            : optim.SGD(trained, 0.1, momentum: 0.9, weight_decay: 1e-3);
        using var scope = NewDisposeScope();
        using var generator = new Generator(5);
        int own = TrainingTask.Batch / group.Size;
        _inputs = task.Inputs(generator, type).narrow(0, group.Rank * own, own).clone().DetachFromDisposeScope();
        _labels = randint(0, task.Classes, [TrainingTask.Batch], int64, generator: generator).narrow(0, group.Rank * own, own).clone().DetachFromDisposeScope();
    }

    /// <summary>The number of buckets now.</summary>
    public int Buckets => _model.Reducer.Buckets.Count;

    /// <summary>Bytes of all gradients, which are averaged once an update.</summary>
    public long GradientBytes => _model.parameters().Where(p => p.requires_grad).Sum(p => p.numel() * p.element_size());

    /// <summary>One update.</summary>
    public void Step()
    {
        using var scope = NewDisposeScope();
        _optimizer.zero_grad();
        Pass.Run(_model.Backward, nn.functional.cross_entropy(_model.call(_inputs), _labels));
        _optimizer.step();
    }

    /// <summary>Copies of all gradients, weights, buffers and moments of the optimizer, by name.</summary>
    public IReadOnlyDictionary<string, Tensor> State()
    {
        using var noGradient = no_grad();
        var state = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in _model.named_parameters())
        {
            if (parameter.grad is { } gradient)
            {
                state.Add($"gradient of {name}", gradient.clone().DetachFromDisposeScope());
            }
        }

        foreach ((string name, Tensor value) in _model.state_dict())
        {
            state.Add(name, value.detach().clone().DetachFromDisposeScope());
        }

        int index = 0;
        foreach (TorchSharp.Modules.OptimizerState moments in _optimizer.state_dict().State)
        {
            foreach ((string name, Tensor value) in Moments(moments))
            {
                state.Add($"{name} {index}", value.clone().DetachFromDisposeScope());
            }

            index++;
        }

        return state;
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _model.Dispose();
        _network.Dispose();
        _inputs.Dispose();
        _labels.Dispose();
    }

    private static (string Name, Tensor Value)[] Moments(TorchSharp.Modules.OptimizerState state) => state switch
    {
        TorchSharp.Modules.AdamW.State adam => [("exp_avg", adam.exp_avg), ("exp_avg_sq", adam.exp_avg_sq)],
        TorchSharp.Modules.SGD.State sgd => [("momentum", sgd.momentum_buffer!)],
        _ => throw new NotSupportedException(state.GetType().Name),
    };
}
