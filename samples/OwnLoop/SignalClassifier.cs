using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Convoy.Samples.OwnLoop;

/// <summary>A small convolutional network: [N, 1, 64] signals to [N, 4] logits. It knows nothing of processes.</summary>
internal sealed class SignalClassifier : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> layers = Sequential(
        Conv1d(1, 16, 5, padding: 2, bias: false), BatchNorm1d(16), ReLU(), MaxPool1d(2),
        Conv1d(16, 32, 5, padding: 2, bias: false), BatchNorm1d(32), ReLU(),
        AdaptiveAvgPool1d(1), Flatten(), Linear(32, Signals.KindCount));

    public SignalClassifier()
        : base(nameof(SignalClassifier))
    {
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => layers.call(input);
}
