using static TorchSharp.torch;

namespace Convoy.Training.Runs;

/// <summary>
/// The state after the last update, for a run that is stopped before the next one. Weights and optimizer still have it; only the
/// model's buffers, batch norm's running statistics, and the random generator have changed with each step since.
/// </summary>
internal sealed class LastUpdate : IDisposable
{
    private readonly (Tensor Buffer, Tensor Kept)[] _buffers;
    private Tensor? _random;

    public LastUpdate(nn.Module model) =>
        _buffers = [.. model.buffers().Select(buffer => (buffer, buffer.detach().clone().DetachFromDisposeScope()))];

    /// <summary>The update's step; null before the first one of this session.</summary>
    public long? Step { get; private set; }

    /// <summary>A step was taken; what it left is kept where it ended with an update.</summary>
    public void Keep(PlannedStep step)
    {
        if (step.IsUpdate)
        {
            Step = step.Number;
            Copy(buffer => (buffer.Kept, buffer.Buffer));
            _random?.Dispose();
            _random = get_rng_state().DetachFromDisposeScope();
        }
    }

    /// <summary>Gives the model its buffers and the process its random generator back.</summary>
    public void Restore()
    {
        Copy(buffer => (buffer.Buffer, buffer.Kept));
        if (_random is not null)
        {
            set_rng_state(_random);
        }
    }

    public void Dispose()
    {
        _random?.Dispose();
        foreach ((_, Tensor kept) in _buffers)
        {
            kept.Dispose();
        }
    }

    private void Copy(Func<(Tensor Buffer, Tensor Kept), (Tensor To, Tensor From)> direction)
    {
        using var noGradient = no_grad();
        foreach ((Tensor to, Tensor from) in _buffers.Select(direction))
        {
            to.copy_(from);
        }
    }
}
