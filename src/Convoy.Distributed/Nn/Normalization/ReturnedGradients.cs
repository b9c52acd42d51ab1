using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Normalization;

/// <summary>
/// Holds the gradients that a backward pass handed to libtorch, which copies the handles only after it returned. Left in the
/// caller's dispose scope they would keep every layer's gradient, as large as its activations, alive to the end of the step;
/// here one layer's give way to those of the next.
/// </summary>
internal sealed class ReturnedGradients
{
    private readonly Lock _lock = new();
    private readonly List<Tensor> _held = [];

    /// <summary>Takes <paramref name="gradients"/> (undefined ones are null) and frees the ones before.</summary>
    public List<Tensor> Replace(params Tensor?[] gradients)
    {
        lock (_lock)
        {
            Release();
            _held.AddRange(gradients.OfType<Tensor>().Select(gradient => gradient.DetachFromDisposeScope()));
            return [.. gradients.Select(gradient => gradient!)];
        }
    }

    /// <summary>Frees what is held; libtorch has taken it long ago.</summary>
    public void Release()
    {
        lock (_lock)
        {
            _held.ForEach(gradient => gradient.Dispose());
            _held.Clear();
        }
    }
}
