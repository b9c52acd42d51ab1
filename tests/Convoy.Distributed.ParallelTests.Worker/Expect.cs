using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>What a scenario checks within its process.</summary>
internal static class Expect
{
    public static void Equal(Tensor expected, Tensor actual, string what)
    {
        if (expected.dtype != actual.dtype || !expected.shape.SequenceEqual(actual.shape) || !expected.eq(actual).all().item<bool>())
        {
            throw new InvalidOperationException($"{what}: expected {expected.cstr()}, found {actual.cstr()}");
        }
    }

    public static void True(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException(what);
        }
    }
}
