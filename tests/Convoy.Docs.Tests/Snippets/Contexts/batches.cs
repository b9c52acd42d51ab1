// Statements that make batches and go through an epoch of them.
using Convoy.Training.Loading;
using TorchSharp;
using static TorchSharp.torch;

internal static class Context
{
    public static void Run(nn.Module<Tensor, Tensor> model, Tensor images, Tensor labels, IReadOnlyList<int> indices, int epoch, string[] files)
    {
        // snippet
    }

    private static Tensor Decode(string file, double shift) => throw new NotSupportedException($"{file} {shift}");

    private static long Compute(string file, Span<byte> sample) => throw new NotSupportedException($"{file} {sample.Length}");
}
