// snippet

internal sealed class ShapeClassifier : TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>
{
    public ShapeClassifier()
        : base(nameof(ShapeClassifier))
    {
    }

    public override TorchSharp.torch.Tensor forward(TorchSharp.torch.Tensor input) => input;
}

internal static class Shapes
{
    public static (TorchSharp.torch.Tensor Images, TorchSharp.torch.Tensor Labels) Draw(int count) => throw new NotSupportedException($"{count}");
}
