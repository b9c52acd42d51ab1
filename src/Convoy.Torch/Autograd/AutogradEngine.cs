using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Convoy.Torch.Interop;

namespace Convoy.Torch.Autograd;

/// <summary>
/// What runs backward passes: has them call something before they return (PyTorch's <c>Variable._execution_engine.queue_callback</c>), and makes them fail.
/// For code that a pass calls, such as a <see cref="GradientHook"/> or a custom function's <c>backward</c>, on the thread of the pass.
/// </summary>
public static unsafe class AutogradEngine
{
    /// <summary>Whether libtorch's engine can be reached: on Linux x64 with the TorchSharp that this library was built for.</summary>
    public static bool IsSupported => AutogradEngineExports.Instance is not null;

    /// <summary>Why not, as the end of a sentence; null where it can.</summary>
    public static string? Fault => AutogradEngineExports.Fault;

    /// <summary>The number of the pass that runs; later ones have greater numbers, also those that run inside of another. -1: none runs.</summary>
    /// <exception cref="NotSupportedException">The engine cannot be reached.</exception>
    public static int CurrentPass => Exports.CurrentPass();

    /// <summary>Whether the pass that runs on this thread keeps its graph for another one (<c>retain_graph</c>). True when none runs.</summary>
    /// <exception cref="NotSupportedException">The engine cannot be reached.</exception>
    public static bool KeepsGraph => Exports.CurrentPassKeepsGraph() != 0;

    /// <summary>
    /// Whether the pass adds to the gradients of all tensors that it reaches. Not so for <c>torch.autograd.grad</c> and <c>torch.autograd.backward</c> with <c>inputs</c>.
    /// True when none runs.
    /// </summary>
    /// <exception cref="NotSupportedException">The engine cannot be reached.</exception>
    public static bool IsWholePass
    {
        get
        {
            nuint* nodes = Exports.CurrentPassNodes();
            return nodes is null || nodes[3] == 0; // std::unordered_map: buckets, their number, first node, number of elements.
        }
    }

    /// <summary>In a callback of <see cref="QueueCallback"/>: whether the pass ran inside of another one, which goes on (a custom function's <c>backward</c> that calls <c>backward</c>).</summary>
    /// <exception cref="NotSupportedException">The engine cannot be reached.</exception>
    public static bool IsNestedPass
    {
        get
        {
            AutogradEngineExports exports = Exports;
            nint* node = stackalloc nint[2];
            exports.CurrentNode(node);
            if (node[1] != 0)
            {
                exports.ReleaseShared(node[1]);
            }

            return node[0] != 0;
        }
    }

    /// <summary>Has the pass call something when it has computed all gradients, before it returns and on this thread; what comes later is called later. A pass that fails calls nothing.</summary>
    /// <param name="callback">What to call. What it throws makes the pass fail as by <see cref="FailPass"/>.</param>
    /// <exception cref="InvalidOperationException">No pass runs on this thread.</exception>
    /// <exception cref="NotSupportedException">The engine cannot be reached.</exception>
    public static void QueueCallback(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        AutogradEngineExports exports = ExportsInPass();
        Queue(exports, StandardFunction.Holding(callback, (nint)(delegate* unmanaged[Cdecl]<nint*, void>)&Call));
    }

    /// <summary>
    /// Makes the pass fail when it has computed all gradients: whoever called <c>backward</c> gets a <see cref="ExternalException"/> with the error's message, as from any
    /// other error of libtorch. Not for passes of <c>torch.autograd.grad</c>, out of which TorchSharp 0.107 lets no error, so that the process would end.
    /// </summary>
    /// <param name="error">What went wrong. Only its message can be passed on.</param>
    /// <exception cref="InvalidOperationException">No pass runs on this thread.</exception>
    /// <exception cref="NotSupportedException">The engine cannot be reached.</exception>
    public static void FailPass(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        AutogradEngineExports exports = ExportsInPass();
        Queue(exports, StandardFunction.Throwing(exports, error.Message));
    }

    /// <summary><see cref="FailPass"/>, if a pass runs that can pass an error on. It cannot where the engine is out of reach, nor for <c>torch.autograd.grad</c>.</summary>
    /// <param name="error">What went wrong.</param>
    /// <returns>False: somebody else has to tell of it.</returns>
    public static bool TryFailPass(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        if (!IsSupported || CurrentPass < 0 || !IsWholePass)
        {
            return false;
        }

        FailPass(error);
        return true;
    }

    private static AutogradEngineExports Exports =>
        AutogradEngineExports.Instance ?? throw new NotSupportedException($"libtorch's autograd engine cannot be reached: {Fault}. Call what should follow a backward pass after it.");

    private static AutogradEngineExports ExportsInPass()
    {
        AutogradEngineExports exports = Exports;
        return exports.CurrentPass() >= 0
            ? exports
            : throw new InvalidOperationException("no backward pass runs on this thread. Call it from a gradient hook or from a custom function's backward.");
    }

    private static void Queue(AutogradEngineExports exports, StandardFunction function)
    {
        exports.QueueCallback(exports.DefaultEngine(), &function);
        function.Free();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Call(nint* function)
    {
        try
        {
            StandardFunction.Held<Action>(function)();
        }
#pragma warning disable CA1031 // Passed on in libtorch's way.
        catch (Exception error)
#pragma warning restore CA1031
        {
            FailPass(error);
        }
    }
}
