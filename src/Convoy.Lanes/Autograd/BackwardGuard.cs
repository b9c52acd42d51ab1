using System.Runtime.ExceptionServices;
using Convoy.Distributed.Nn.Normalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Autograd;

/// <summary>
/// Stands between a custom function's backward pass and libtorch: keeps the gradients alive until libtorch has copied their
/// handles, and lets no exception pass through its frames, which would end the process. What went wrong is thrown by the next
/// <see cref="Enter"/>; until then the gradients are missing, not wrong.
/// </summary>
internal sealed class BackwardGuard : IDisposable
{
    private readonly ReturnedGradients _returned = new();
    private ExceptionDispatchInfo? _failure;

    /// <summary>Begins a forward pass: frees the gradients of the backward pass before.</summary>
    /// <exception cref="Exception">What that backward pass failed of.</exception>
    public void Enter()
    {
        _returned.Release();
        Interlocked.Exchange(ref _failure, null)?.Throw();
    }

    /// <summary>Runs a backward pass.</summary>
    /// <param name="count">How many arguments the function's forward pass had.</param>
    /// <param name="gradient">
    /// The output's gradient, undefined where there is none. This handle of it, which TorchSharp made for the backward pass, is freed:
    /// the caller's dispose scope would keep its memory to the end of the step.
    /// </param>
    /// <param name="compute">Gives one gradient for each argument; null where there is none. Not called without an output's gradient.</param>
    /// <returns>What backward returns to libtorch.</returns>
    public List<Tensor> Run(int count, Tensor gradient, Func<Tensor, Tensor?[]> compute)
    {
        try
        {
            using var scope = NewDisposeScope();
            using Tensor handle = gradient;
            return _returned.Replace(gradient.IsInvalid ? new Tensor?[count] : compute(gradient));
        }
#pragma warning disable CA1031 // Kept, and thrown again by Enter.
        catch (Exception error)
#pragma warning restore CA1031
        {
            _failure = ExceptionDispatchInfo.Capture(error);
            return [.. Enumerable.Repeat<Tensor>(null!, count)];
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _returned.Release();
}
