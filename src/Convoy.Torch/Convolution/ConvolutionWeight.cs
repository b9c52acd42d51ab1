using Convoy.Torch.Interop;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>
/// A layer's weights, with what kernels make of them: rounded to a narrower type, packed, or brought to the points of a transform. That is kept as long as the weights
/// don't change: through the passes of a step, through accumulation, and in evaluation.
/// </summary>
internal sealed class ConvolutionWeight : IDisposable
{
    private const long Unknown = -1;

    private readonly Dictionary<object, IDisposable> _made = [];
    private Tensor? _value;
    private nint _identity;
    private long _version = Unknown;

    /// <summary>The weights, [K, C, R, S], as the optimizer has them.</summary>
    public Tensor Value => _value ?? throw new InvalidOperationException("no weights were given. Call Set before.");

    /// <summary>Whether the weights are used without gradients, as in evaluation, so that they will be the same for many passes.</summary>
    public bool IsEvaluated { get; private set; }

    /// <summary>Says which tensor the weights are now; what was made of others, of earlier values, or for evaluation before training, is freed.</summary>
    /// <param name="weight">The weights; stay the caller's.</param>
    /// <param name="isEvaluated">See <see cref="IsEvaluated"/>.</param>
    public void Set(Tensor weight, bool isEvaluated = false)
    {
        nint identity = AutogradVersion.Identity(weight);
        long version = AutogradVersion.IsCounted(weight) ? AutogradVersion.Get(weight) : Unknown;
        if (version == Unknown || isEvaluated != IsEvaluated || (identity, version) != (_identity, _version))
        {
            Free();
            (_identity, _version) = (identity, version);
        }

        (_value, IsEvaluated) = (weight, isEvaluated);
    }

    /// <summary>The weights in a type, channels-last; themselves where they are so already.</summary>
    /// <param name="dtype">The type.</param>
    public Tensor As(ScalarType dtype) => Value.dtype == dtype ? Value : Keep(dtype, () =>
    {
        using IDisposable noGradient = no_grad();
        return Value.to(dtype).DetachFromDisposeScope();
    });

    /// <summary>What was made of the weights, made now if it was not yet.</summary>
    /// <param name="key">Tells it from what else is made of them.</param>
    /// <param name="make">Makes it; freed with the weights, or when they change.</param>
    public T Keep<T>(object key, Func<T> make)
        where T : IDisposable
    {
        if (!_made.TryGetValue(key, out IDisposable? made))
        {
            _made.Add(key, made = make());
        }

        return (T)made;
    }

    /// <summary>Frees what was made of the weights, and not these.</summary>
    public void Dispose()
    {
        Free();
        _version = Unknown;
    }

    private void Free()
    {
        foreach (IDisposable made in _made.Values)
        {
            made.Dispose();
        }

        _made.Clear();
    }
}
