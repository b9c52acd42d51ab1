using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>What a scenario checks within its process.</summary>
internal static class Expect
{
    public static void Equal(Tensor expected, Tensor actual, string description)
    {
        if (expected.dtype != actual.dtype || !expected.shape.SequenceEqual(actual.shape) || !expected.eq(actual).all().item<bool>())
        {
            throw new InvalidOperationException($"{description}: expected {expected.cstr()}, found {actual.cstr()}");
        }
    }

    public static void Equal(string expected, string actual, string description) =>
        True(expected == actual, $"{description}: expected '{expected}', found '{actual}'");

    /// <summary>Requires no element to differ by more than <paramref name="tolerance"/>.</summary>
    public static void Near(Tensor expected, Tensor actual, double tolerance, string description)
    {
        double largest = (expected.to(float64) - actual.to(float64)).abs().max().item<double>();
        if (!(largest <= tolerance))
        {
            throw new InvalidOperationException(FormattableString.Invariant($"{description}: differs by {largest}, allowed is {tolerance}"));
        }
    }

    /// <summary>Requires the type of exception and that its message has a part.</summary>
    public static void Throws<TException>(Action action, string part)
        where TException : Exception
    {
        try
        {
            action();
        }
        catch (TException error) when (error.Message.Contains(part, StringComparison.Ordinal))
        {
            return;
        }

        throw new InvalidOperationException($"no {typeof(TException).Name} with '{part}' was thrown");
    }

    public static void True(bool condition, string description)
    {
        if (!condition)
        {
            throw new InvalidOperationException(description);
        }
    }
}
