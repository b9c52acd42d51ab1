using Convoy.Torch.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Where plain <c>loss.backward()</c> does not average: notices a program that relies on it, before its ranks' models can be taken for one. Between a forward pass that waits for
/// its <c>Backward</c> and what comes next, both the gradients and the weights have changed then.
/// </summary>
/// <remarks>
/// Gradients alone change also by zeroing, weights alone by loading, several forward passes before one backward are usual, and so is one that has none, for a look at the outputs.
/// </remarks>
internal sealed class BackwardReminder
{
    private readonly Parameter[] _parameters;
    private readonly string _reason;
    private (long Weight, nint Gradient, long Version)[]? _atForward;
    private bool _hasThrown;

    /// <param name="parameters">The parameters that get gradients.</param>
    /// <param name="reason">Why plain backward does not average, as the end of a sentence.</param>
    public BackwardReminder(IEnumerable<Parameter> parameters, string reason) => (_parameters, _reason) = ([.. parameters], reason);

    /// <summary>A forward pass begins that a synchronized backward should follow.</summary>
    public void ForwardBegins() => _atForward ??= Now();

    /// <summary>The wrapper's own backward has run.</summary>
    public void BackwardRan() => _atForward = null;

    /// <summary>All weights were loaded: what they were before does not count.</summary>
    public void WeightsReplaced() => _atForward = null;

    /// <exception cref="InvalidOperationException">The weights were updated with gradients that were not averaged.</exception>
    public void Require()
    {
        if (_atForward is null)
        {
            return;
        }

        (long Weight, nint Gradient, long Version)[] now = Now();
        bool hasNewWeights = now.Zip(_atForward).Any(pair => pair.First.Weight != pair.Second.Weight);
        bool hasNewGradients = now.Zip(_atForward).Any(pair => (pair.First.Gradient, pair.First.Version) != (pair.Second.Gradient, pair.Second.Version));
        if (hasNewWeights && hasNewGradients)
        {
            _hasThrown = true;
            throw new InvalidOperationException(
                $"the weights were updated with gradients that were not averaged over the ranks, so the ranks' models differ: loss.backward() does not average here, as {_reason}. Call model.Backward(loss) in its place, and train again from the start or a checkpoint.");
        }
    }

    /// <summary>The same at the end, unless it was said before: then an exception is on its way, which this one would hide.</summary>
    public void RequireAtEnd()
    {
        if (!_hasThrown)
        {
            Require();
        }
    }

    private (long Weight, nint Gradient, long Version)[] Now() => [.. _parameters.Where(parameter => !parameter.IsInvalid).Select(parameter =>
    {
        using Tensor? gradient = parameter.grad;
        return (AutogradVersion.Get(parameter), gradient is null ? 0 : AutogradVersion.Identity(gradient), gradient is null ? 0 : AutogradVersion.Get(gradient));
    })];
}
