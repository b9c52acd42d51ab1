using System.Runtime.InteropServices;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;
using Convoy.Torch.Normalization;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>
/// A layer's weights, with what kernels make of them: rounded to a narrower type, packed, or brought to the points of a transform. That is kept from a forward pass to its backward pass, and in evaluation
/// from pass to pass, as long as the weights hold the same values. Their version does not tell: what writes to their memory by itself, as TorchSharp's <c>Module.load</c>, does not raise it.
/// </summary>
internal sealed unsafe class ConvolutionWeight : IDisposable
{
    private readonly Dictionary<object, IDisposable> _made = [];
    private readonly Dictionary<object, IDisposable> _lasting = [];
    private Tensor? _value;
    private nint _identity;
    private AlignedBuffer<float>? _source;
    private long _sourceCount;
    private bool _sourceIsChannelsLast;

    /// <summary>The weights, [K, C, R, S], as the optimizer has them.</summary>
    public Tensor Value => _value ?? throw new InvalidOperationException("no weights were given. Call Set before.");

    /// <summary>Whether the layer is evaluated, so that the weights will be the same for many passes.</summary>
    public bool IsEvaluated { get; private set; }

    /// <summary>Begins a forward pass: says which tensor the weights are now. What was made of them before is freed, but in evaluation what <see cref="KeepLonger"/> has.</summary>
    /// <param name="weight">The weights; stay the caller's.</param>
    /// <param name="isEvaluated">See <see cref="IsEvaluated"/>.</param>
    public void Set(Tensor weight, bool isEvaluated = false)
    {
        Free(_made);
        if (!isEvaluated)
        {
            FreeLasting();
        }

        (_value, _identity, IsEvaluated) = (weight, AutogradVersion.Identity(weight), isEvaluated);
    }

    /// <summary>Begins a backward pass: goes on with what its forward pass made, unless the layer has had other weights since.</summary>
    /// <param name="weight">The weights of the forward pass, whose values did not change; stay the caller's.</param>
    public void Resume(Tensor weight)
    {
        if (AutogradVersion.Identity(weight) != _identity)
        {
            Set(weight);
        }

        _value = weight;
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
    /// <param name="make">Makes it; freed with the next forward pass.</param>
    public T Keep<T>(object key, Func<T> make)
        where T : IDisposable => Get(_made, key, make);

    /// <summary>As <see cref="Keep"/>, but also for the next passes of an evaluation, as long as the weights hold the same values: that is looked at in each call.</summary>
    /// <inheritdoc cref="Keep"/>
    public T KeepLonger<T>(object key, Func<T> make)
        where T : IDisposable
    {
        bool isChannelsLast = ChannelLayout.IsChannelsLast(Value);
        if (!isChannelsLast && !Value.is_contiguous())
        {
            return Keep(key, make);
        }

        long count = Value.numel();
        var values = new ReadOnlySpan<float>(TensorMemory.Address(Value), checked((int)count));
        bool isSame = _source is not null && (count, isChannelsLast) == (_sourceCount, _sourceIsChannelsLast)
            && MemoryMarshal.AsBytes(values).SequenceEqual(MemoryMarshal.AsBytes(new ReadOnlySpan<float>(_source.Start, values.Length)));
        if (!isSame)
        {
            FreeLasting();
            (_source, _sourceCount, _sourceIsChannelsLast) = (new AlignedBuffer<float>(count), count, isChannelsLast);
            values.CopyTo(new Span<float>(_source.Start, values.Length));
        }

        return Get(_lasting, key, make);
    }

    /// <summary>Frees what was made of the weights, and not these.</summary>
    public void Dispose()
    {
        Free(_made);
        FreeLasting();
        _identity = 0;
    }

    private static T Get<T>(Dictionary<object, IDisposable> all, object key, Func<T> make)
        where T : IDisposable
    {
        if (!all.TryGetValue(key, out IDisposable? made))
        {
            all.Add(key, made = make());
        }

        return (T)made;
    }

    private static void Free(Dictionary<object, IDisposable> all)
    {
        foreach (IDisposable made in all.Values)
        {
            made.Dispose();
        }

        all.Clear();
    }

    private void FreeLasting()
    {
        Free(_lasting);
        _source?.Dispose();
        _source = null;
    }
}
