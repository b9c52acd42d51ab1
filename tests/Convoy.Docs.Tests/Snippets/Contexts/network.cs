// Statements of a network's constructor and forward pass.
using TorchSharp;
using static TorchSharp.torch;

internal static class Context
{
    public static void Run(
        nn.Module<Tensor, Tensor> network,
        nn.Module<Tensor, Tensor> conv1,
        nn.Module<Tensor, Tensor> conv2,
        nn.Module<Tensor, Tensor> bn1,
        nn.Module<Tensor, Tensor> bn2,
        Tensor input)
    {
        Tensor features = input, output;
        // snippet
        output.Dispose();
    }
}
