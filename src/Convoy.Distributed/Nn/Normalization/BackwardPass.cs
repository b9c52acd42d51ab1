using Convoy.Distributed.Interop;
using Convoy.Distributed.Nn.Channels;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Normalization;

/// <summary>
/// What the backward passes of batch norm have in common, with and without what is fused to it: the sums of dy and of dy (x - mean) over this
/// rank's elements, the gradients of weight and bias, which are those sums, and with the sums of all ranks the input's gradient.
/// </summary>
/// <param name="context">The layer's.</param>
/// <param name="weight">[C], or null.</param>
/// <param name="bias">[C], or null.</param>
internal sealed unsafe class BackwardPass(NormalizationContext context, Tensor? weight, Tensor? bias)
{
    private readonly int _channels = context.Layout.Channels;
    private readonly ChannelConstants _constants = context.Constants(weight, bias);
    private double[] _sums = [];

    /// <summary>Runs a backward pass. No exception may pass through libtorch's frames, which would end the process without a message.</summary>
    /// <param name="context">The layer's.</param>
    /// <param name="gradOutput">The output's gradient. Its handle is freed at the end: left to the dispose scope, it would keep the memory to the end of the step.</param>
    /// <param name="inputs">How many gradients are to be returned.</param>
    /// <param name="gradients">The pass.</param>
    /// <returns>The gradients; undefined ones after an error, which the group throws again.</returns>
    public static List<Tensor> Guard(NormalizationContext context, Tensor gradOutput, int inputs, Func<List<Tensor>> gradients)
    {
        try
        {
            return gradients();
        }
#pragma warning disable CA1031 // Kept by the group, which throws it again.
        catch (Exception error)
#pragma warning restore CA1031
        {
            // Such as libtorch's when the input was changed in place. The other ranks would wait for this one: breaking the group tells them.
            context.Group.Break(error);
            return [.. Enumerable.Repeat<Tensor>(null!, inputs)];
        }
        finally
        {
            gradOutput.Dispose();
        }
    }

    /// <summary>Adds up this rank's sums.</summary>
    /// <typeparam name="TSums">The operation that does it, and may write besides.</typeparam>
    public void AddUp<TSums>(ChannelOperands operands)
        where TSums : IChannelOperation
    {
        _sums = context.Layout.Count == 0 ? new double[2 * _channels] : ChannelPass.Run<TSums>(operands, LayoutOf(operands), _constants, get_num_threads());
        if (operands.X.dtype != ScalarType.Float64)
        {
            // The pass took the mean rounded to float32; what that left out is known exactly.
            double[] mean = context.Statistics.Mean;
            for (int channel = 0; channel < _channels; channel++)
            {
                _sums[_channels + channel] += ((float)mean[channel] - mean[channel]) * _sums[channel];
            }
        }
    }

    /// <summary>The weight's gradient: of this rank's part only, as whoever averages gradients over ranks adds up the parts.</summary>
    public Tensor? WeightGradient()
    {
        double[] inverseDeviation = context.Statistics.InverseDeviation(context.Epsilon);
        return weight is null ? null : tensor([.. inverseDeviation.Select((inverse, channel) => _sums[_channels + channel] * inverse)], dtype: weight.dtype);
    }

    /// <summary>The bias's gradient, of this rank's part only.</summary>
    public Tensor? BiasGradient() => bias is null ? null : tensor(_sums[.._channels], dtype: bias.dtype);

    /// <summary>The numbers of the input's gradient. All ranks exchange their sums.</summary>
    public ChannelConstants InputGradientConstants()
    {
        using Tensor total = tensor(_sums);
        try
        {
            context.Group.AllReduce(total);
        }
        catch (DistributedException)
        {
            // The group is broken now and throws this error again, at the latest when DistributedDataParallel.Backward asks it. Until
            // then nobody shall mistake the gradient for one.
            total.fill_(double.NaN);
        }

        var totals = new ReadOnlySpan<double>(TensorMemory.Address(total), 2 * _channels);
        double[] inverseDeviation = context.Statistics.InverseDeviation(context.Epsilon);
        double[] slope = new double[_channels], intercept = new double[_channels];
        for (int channel = 0; channel < _channels; channel++)
        {
            double meanGradient = totals[channel] / context.Statistics.Count, meanProduct = totals[_channels + channel] / context.Statistics.Count;
            double scale = _constants.Scale![channel];
            slope[channel] = -scale * inverseDeviation[channel] * inverseDeviation[channel] * meanProduct;
            intercept[channel] = -scale * meanGradient;
        }

        return _constants with { Slope = slope, Intercept = intercept };
    }

    /// <summary>The input's gradient, in the type of <paramref name="x"/>. All ranks exchange their sums.</summary>
    /// <typeparam name="TGradient">The operation that computes it.</typeparam>
    /// <param name="x">The input, dense.</param>
    /// <param name="gradient">The gradient that <typeparamref name="TGradient"/> reads, in the same layout.</param>
    public Tensor InputGradient<TGradient>(Tensor x, Tensor gradient)
        where TGradient : IChannelOperation
    {
        ChannelConstants constants = InputGradientConstants();
        Tensor result = empty_like(x);
        if (context.Layout.Count > 0)
        {
            ChannelPass.Run<TGradient>(new ChannelOperands(x, gradient, Result: result), context.Layout, constants, get_num_threads());
        }

        return result;
    }

    // The sums may run over a pooled part of the input.
    private ChannelLayout LayoutOf(ChannelOperands operands) =>
        context.Layout with { Positions = operands.X.numel() / Math.Max(1, context.Layout.Batch * _channels) };
}
