using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Checkpoints;

/// <summary>Compares tensors bit for bit.</summary>
internal static class TensorAssert
{
    public static void Identical(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.Equal(Bytes(expected), Bytes(actual));
    }

    public static byte[] Bytes(Tensor tensor)
    {
        using Tensor detached = tensor.detach();
        using Tensor values = detached.contiguous();
        return values.bytes.ToArray();
    }
}
