using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Convoy.Samples.DataParallel;

/// <summary>A small convolutional network: [N, 1, 32, 32] to [N, 4] logits. It knows nothing of processes.</summary>
internal sealed class ShapeClassifier : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> layers = Sequential(
        Conv2d(1, 16, 3, padding: 1, bias: false),
        BatchNorm2d(16),
        ReLU(),
        MaxPool2d(2),
        Conv2d(16, 32, 3, padding: 1, bias: false),
        BatchNorm2d(32),
        ReLU(),
        AdaptiveAvgPool2d(1),
        Flatten(),
        Linear(32, Shapes.Classes));

    public ShapeClassifier()
        : base(nameof(ShapeClassifier))
    {
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => layers.call(input);
}
