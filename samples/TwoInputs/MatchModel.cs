using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Convoy.Samples.TwoInputs;

/// <summary>Compares a signal with a description: [N, 64] and [N, 2] to [N] logits.</summary>
internal sealed class MatchModel : Module<Tensor, Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> signal;
    private readonly Module<Tensor, Tensor> description;
    private readonly Module<Tensor, Tensor> head;

    public MatchModel()
        : base(nameof(MatchModel))
    {
        signal = Sequential(Linear(64, 64), BatchNorm1d(64), ReLU());
        description = Sequential(Linear(2, 64), ReLU());
        head = Sequential(Linear(128, 64), ReLU(), Linear(64, 1));
        RegisterComponents();
    }

    public override Tensor forward(Tensor signals, Tensor descriptions) =>
        head.call(cat([signal.call(signals), description.call(descriptions)], 1)).squeeze(1);
}
