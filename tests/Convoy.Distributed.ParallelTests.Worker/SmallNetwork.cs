using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Two convolutions with batch norm, then a classifier. The convolutions have no bias: batch norm would make its gradient pure
/// rounding. Nothing has a kink, as ReLU has: there rounding, which differs by processor, would change a gradient by a whole term.
/// </summary>
internal sealed class SmallNetwork : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor> _features;
    private readonly nn.Module<Tensor, Tensor> _bn;
    private readonly nn.Module<Tensor, Tensor> _classifier;

    public SmallNetwork(long channels = 16)
        : base(nameof(SmallNetwork))
    {
        _features = nn.Sequential(
            ("conv1", nn.Conv2d(3, 8, 3, padding: 1, bias: false)),
            ("bn1", nn.BatchNorm2d(8)),
            ("silu1", nn.SiLU()),
            ("conv2", nn.Conv2d(8, channels, 3, stride: 2, bias: false)));
        _bn = nn.BatchNorm2d(channels);
        _classifier = nn.Linear(channels, 5);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor features = nn.functional.silu(_bn.call(_features.call(input)));
        return _classifier.call(features.mean([2, 3])).MoveToOuterDisposeScope();
    }
}
