// snippet

internal sealed class Network : TorchSharp.torch.nn.Module<TorchSharp.torch.Tensor, TorchSharp.torch.Tensor>
{
    public Network()
        : base(nameof(Network))
    {
    }

    public override TorchSharp.torch.Tensor forward(TorchSharp.torch.Tensor input) => input;
}

internal sealed class Shapes : TorchSharp.torch.utils.data.Dataset
{
    public override long Count => 1;

    public override Dictionary<string, TorchSharp.torch.Tensor> GetTensor(long index) => [];
}
