using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Convoy.Samples.OwnModel;

/// <summary>A small convolutional network in plain TorchSharp: [N, 1, 32, 32] pictures to [N, 3] logits.</summary>
internal sealed class ShapeClassifier : Module<Tensor, Tensor>
{
    private readonly Module<Tensor, Tensor> layers;

    public ShapeClassifier()
        : base(nameof(ShapeClassifier))
    {
        layers = Sequential(
            Conv2d(1, 16, 3, padding: 1, bias: false), BatchNorm2d(16), ReLU(), MaxPool2d(2),
            Conv2d(16, 32, 3, padding: 1, bias: false), BatchNorm2d(32), ReLU(), MaxPool2d(2),
            Conv2d(32, 64, 3, padding: 1, bias: false), BatchNorm2d(64), ReLU(), AdaptiveAvgPool2d(1),
            Flatten(), Dropout(0.1), Linear(64, 3));
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) => layers.call(input);
}
