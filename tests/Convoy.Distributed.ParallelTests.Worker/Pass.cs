using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>How scenarios run their backward passes: by the wrapper's <c>Backward</c>, or, with the argument <see cref="Plain"/>, by <c>loss.backward()</c> alone.</summary>
internal static class Pass
{
    public const string Plain = "loss.backward";

    /// <summary>Set anew for each scenario.</summary>
    public static bool IsPlain { get; set; }

    /// <param name="wrappers">The wrapper's way.</param>
    /// <param name="loss">The loss.</param>
    public static void Run(Action<Tensor> wrappers, Tensor loss)
    {
        if (IsPlain)
        {
            loss.backward();
        }
        else
        {
            wrappers(loss);
        }
    }

    /// <summary>The message that a failing pass throws, with the type that it has; empty when it does not fail.</summary>
    public static string Error(Action action)
    {
        try
        {
            action();
            return "";
        }
        catch (InvalidOperationException error) when (!IsPlain)
        {
            return error.Message;
        }
        catch (ExternalException error) when (IsPlain)
        {
            return error.Message;
        }
    }
}
