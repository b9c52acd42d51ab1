using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker.Training;

/// <summary>Two recurrent layers of different kinds over [batch, time, 5], and a classifier of 4 classes.</summary>
internal sealed class RecurrentNetwork : nn.Module<Tensor, Tensor>
{
    private readonly TorchSharp.Modules.LSTM _lstm;
    private readonly TorchSharp.Modules.GRU _gru;
    private readonly nn.Module<Tensor, Tensor> _classifier;

    public RecurrentNetwork()
        : base(nameof(RecurrentNetwork))
    {
        _lstm = nn.LSTM(5, 12, batchFirst: true);
        _gru = nn.GRU(12, 10, batchFirst: true);
        _classifier = nn.Linear(10, 4);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        (Tensor states, _, _) = _lstm.call(input);
        (Tensor all, _) = _gru.call(states);
        return _classifier.call(all.select(1, -1));
    }
}
