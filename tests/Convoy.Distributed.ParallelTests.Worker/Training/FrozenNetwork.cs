using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker.Training;

/// <summary>Four linear layers over [batch, 6], of which the first and the third are not trained.</summary>
internal sealed class FrozenNetwork : nn.Module<Tensor, Tensor>
{
    public const long Classes = 12;

    private readonly nn.Module<Tensor, Tensor> _layers;

    public FrozenNetwork()
        : base(nameof(FrozenNetwork))
    {
        _layers = nn.Sequential(
            ("frozen1", nn.Linear(6, 24)),
            ("tanh1", nn.Tanh()),
            ("trained1", nn.Linear(24, 24)),
            ("tanh2", nn.Tanh()),
            ("frozen2", nn.Linear(24, 24)),
            ("tanh3", nn.Tanh()),
            ("trained2", nn.Linear(24, Classes)));
        RegisterComponents();
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in named_parameters())
        {
            parameter.requires_grad = !name.Contains("frozen", StringComparison.Ordinal);
        }
    }

    public override Tensor forward(Tensor input) => _layers.call(input);
}
