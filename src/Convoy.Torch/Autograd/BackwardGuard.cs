using System.Runtime.ExceptionServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Torch.Autograd;

/// <summary>
/// Stands between a custom function's backward pass and libtorch. It keeps the gradients alive until libtorch has copied their handles, which it does only
/// after the function has returned, and lets no exception pass through libtorch's frames, which would end the process without a message.
/// </summary>
/// <remarks>
/// <para>
/// What went wrong makes the pass fail when it ends, so that it comes out of the call of <c>backward</c> (<see cref="AutogradEngine.TryFailPass"/>). Where that cannot be done, it is thrown by the next
/// <see cref="Enter"/>; until then the gradients are missing, not wrong. Whoever has to know at once is told.
/// </para>
/// <para>
/// Left in the caller's dispose scope, gradients would keep memory as large as all activations to the end of the step. Layers that share a guard free each
/// other's: the gradients of one give way to those of the next. Backward passes of different guards may run on different threads.
/// </para>
/// </remarks>
public sealed class BackwardGuard : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<Tensor> _held = [];
    private ExceptionDispatchInfo? _failure;

    /// <summary>Begins a forward pass: frees the gradients of the backward pass before.</summary>
    /// <exception cref="Exception">What made that backward pass fail and could not be thrown by it; thrown once.</exception>
    public void Enter()
    {
        Release();
        Interlocked.Exchange(ref _failure, null)?.Throw();
    }

    /// <summary>Runs a backward pass.</summary>
    /// <param name="count">How many arguments the function's forward pass had.</param>
    /// <param name="gradient">
    /// The output's gradient, undefined where there is none. This handle of it, which TorchSharp made for the backward pass, is freed:
    /// the caller's dispose scope would keep its memory to the end of the step.
    /// </param>
    /// <param name="compute">Gives one gradient for each argument; null where there is none. Tensors that it makes besides are freed.</param>
    /// <param name="withoutGradient">Whether <paramref name="compute"/> is also called when the output's gradient is undefined. Default: false; all gradients are undefined then.</param>
    /// <param name="onFailure">Is told what <paramref name="compute"/> threw, instead of <see cref="Enter"/>: where other processes wait for this one, they must learn of it now. Null, the default: nobody.</param>
    /// <param name="context">
    /// What the function saved for this pass, which is freed at its end unless the pass keeps its graph (<c>retain_graph</c>): TorchSharp would keep it as long as the loss. Null, the default: it stays.
    /// </param>
    /// <returns>What backward returns to libtorch: undefined gradients after a failure.</returns>
    public List<Tensor> Run(
        int count, Tensor gradient, Func<Tensor, Tensor?[]> compute, bool withoutGradient = false, Action<Exception>? onFailure = null, autograd.AutogradContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(gradient);
        ArgumentNullException.ThrowIfNull(compute);
        try
        {
            using var scope = NewDisposeScope();
            using Tensor handle = gradient;
            RequireSaved(context);
            List<Tensor> gradients = Hold(gradient.IsInvalid && !withoutGradient ? new Tensor?[count] : compute(gradient));
            FreeSaved(context);
            return gradients;
        }
#pragma warning disable CA1031 // Kept, and thrown again.
        catch (Exception error)
#pragma warning restore CA1031
        {
            bool isPassedOn = AutogradEngine.TryFailPass(error);
            if (onFailure is not null)
            {
                onFailure(error);
            }
            else if (!isPassedOn)
            {
                _failure = ExceptionDispatchInfo.Capture(error);
            }

            return [.. Enumerable.Repeat<Tensor>(null!, count)];
        }
    }

    /// <summary>Frees the gradients that it still holds; libtorch has its own handles.</summary>
    public void Dispose() => Release();

    private static void RequireSaved(autograd.AutogradContext? context)
    {
        if (context?.get_data(nameof(FreeSaved)) is not null)
        {
            throw new InvalidOperationException("backward went through a part of the graph for the second time, and the first time freed what that needs. Give the first call retain_graph: true.");
        }
    }

    private static void FreeSaved(autograd.AutogradContext? context)
    {
        if (context is not null && AutogradEngine.IsSupported && !AutogradEngine.KeepsGraph)
        {
            context.save_data(nameof(FreeSaved), true);
            context.Dispose(); // Frees the saved tensors alone.
        }
    }

    private List<Tensor> Hold(Tensor?[] gradients)
    {
        lock (_lock)
        {
            Release();
            _held.AddRange(gradients.OfType<Tensor>().Select(gradient => gradient.DetachFromDisposeScope()));
            return [.. gradients.Select(gradient => gradient!)];
        }
    }

    private void Release()
    {
        lock (_lock)
        {
            _held.ForEach(gradient => gradient.Dispose());
            _held.Clear();
        }
    }
}
