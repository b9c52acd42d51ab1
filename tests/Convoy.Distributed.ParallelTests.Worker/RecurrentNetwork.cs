using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>An LSTM over features taken for a sequence, in float64: a module with other arguments than one tensor.</summary>
internal sealed class RecurrentNetwork : nn.Module<Tensor, Tensor>
{
    private readonly LSTM _recurrent = nn.LSTM(3, 5, numLayers: 2, dtype: float64);
    private readonly nn.Module<Tensor, Tensor> _head = nn.Linear(5, 3, dtype: float64);

    public RecurrentNetwork()
        : base(nameof(RecurrentNetwork)) => RegisterComponents();

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor sequence = input.reshape(input.shape[0], -1, 3).transpose(0, 1);
        (Tensor states, _, _) = _recurrent.call(sequence);
        return _head.call(states[-1]).MoveToOuterDisposeScope();
    }
}
