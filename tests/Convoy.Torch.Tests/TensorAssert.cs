using static TorchSharp.torch;

namespace Convoy.Tests;

/// <summary>Compares tensors, bit for bit or within a share of the largest element.</summary>
internal static class TensorAssert
{
    public static void Identical(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.Equal(expected.dtype, actual.dtype);
        Assert.Equal(Bytes(expected), Bytes(actual));
    }

    public static void Close(Tensor expected, Tensor actual, double tolerance)
    {
        Assert.Equal(expected.shape, actual.shape);
        double error = Error(expected, actual);
        Assert.True(error <= tolerance, $"{error:E2} of the largest element");
    }

    /// <summary>The largest difference, in the largest element of <paramref name="expected"/>.</summary>
    public static double Error(Tensor expected, Tensor actual)
    {
        using var scope = NewDisposeScope();
        Tensor exact = expected.to(ScalarType.Float64);
        return ((exact - actual.to(ScalarType.Float64)).abs().max() / exact.abs().max()).item<double>();
    }

    public static byte[] Bytes(Tensor tensor)
    {
        using Tensor detached = tensor.detach();
        using Tensor values = detached.contiguous();
        return values.bytes.ToArray();
    }
}
