using Convoy.Torch.Autograd;
using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>What a layer's passes have to know besides the tensors.</summary>
/// <param name="Statistics">Those of all ranks together.</param>
/// <param name="Layout">The input's.</param>
/// <param name="Epsilon">Added to the variance.</param>
/// <param name="Reduction">The other ranks; null when there are none.</param>
/// <param name="InputNeedsGradient">Whether the input needs a gradient, on all ranks: only that one takes communication.</param>
/// <param name="Guard">What backward passes run under.</param>
internal sealed record NormalizationContext(
    BatchStatistics Statistics, ChannelLayout Layout, double Epsilon, IStatisticsReduction? Reduction, bool InputNeedsGradient, BackwardGuard Guard)
{
    /// <summary>Runs a backward pass; also without an output's gradient, as the other ranks wait for this one's sums.</summary>
    /// <param name="saved">What the forward pass saved.</param>
    /// <param name="count">How many arguments the forward pass had.</param>
    /// <param name="gradient">The output's gradient, perhaps undefined.</param>
    /// <param name="compute">The pass.</param>
    public List<Tensor> RunBackward(autograd.AutogradContext saved, int count, Tensor gradient, Func<Tensor, Tensor?[]> compute) =>
        Guard.Run(count, gradient, compute, withoutGradient: true, Reduction is null ? null : Reduction.Fail, saved);

    /// <summary>The mean, and what an element less the mean is multiplied by and what is added to it.</summary>
    /// <param name="weight">[C], or null for ones.</param>
    /// <param name="bias">[C], or null for zeros.</param>
    public ChannelConstants Constants(Tensor? weight, Tensor? bias)
    {
        double[] scale = Statistics.InverseDeviation(Epsilon);
        if (weight is not null)
        {
            double[] weights = ChannelNumbers.Read(weight);
            for (int channel = 0; channel < scale.Length; channel++)
            {
                scale[channel] *= weights[channel];
            }
        }

        return new ChannelConstants(Statistics.Mean) { Scale = scale, Bias = bias is null ? null : ChannelNumbers.Read(bias) };
    }
}

/// <summary>
/// What the backward passes of batch norm have in common, with and without what is fused to it: the sums of dy and of dy (x - mean) over this
/// rank's elements, the gradients of weight and bias, which are those sums, and with the sums of all ranks the input's gradient.
/// </summary>
/// <param name="context">The layer's.</param>
/// <param name="weight">[C], or null.</param>
/// <param name="bias">[C], or null.</param>
internal sealed class BackwardPass(NormalizationContext context, Tensor? weight, Tensor? bias)
{
    private readonly int _channels = context.Layout.Channels;
    private readonly ChannelConstants _constants = context.Constants(weight, bias);
    private double[] _sums = [];

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
        return weight is null ? null : ChannelNumbers.Make([.. inverseDeviation.Select((inverse, channel) => _sums[_channels + channel] * inverse)], weight.dtype);
    }

    /// <summary>The bias's gradient, of this rank's part only.</summary>
    public Tensor? BiasGradient() => bias is null ? null : ChannelNumbers.Make(_sums[.._channels], bias.dtype);

    /// <summary>The numbers of the input's gradient. All ranks exchange their sums.</summary>
    public ChannelConstants InputGradientConstants()
    {
        double[] totals = [.. _sums];
        context.Reduction?.Sum(totals);
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

/// <summary>
/// The gradients of batch norm over all ranks, composed of operations that libtorch can differentiate again, any number of times.
/// Slower than <see cref="BatchNormFunction"/>'s kernels; for <c>create_graph</c> alone.
/// </summary>
internal static class DifferentiableGradients
{
    /// <param name="input">[N, C, ...].</param>
    /// <param name="weight">[C], or null.</param>
    /// <param name="hasBias">Whether a gradient of the bias is wanted.</param>
    /// <param name="gradient">The output's gradient.</param>
    /// <param name="context">The layer's.</param>
    /// <returns>The gradients of input, weight, bias and of what is no tensor.</returns>
    public static Tensor?[] Compute(Tensor input, Tensor? weight, bool hasBias, Tensor gradient, NormalizationContext context)
    {
        ScalarType type = BatchNormFunction.WideType(input.dtype);
        long[] perChannel = [1, context.Layout.Channels, .. Enumerable.Repeat(1L, (int)input.dim() - 2)];
        long[] others = [0, .. Enumerable.Range(2, (int)input.dim() - 2).Select(d => (long)d)];
        double count = Math.Max(1, context.Statistics.Count);
        Tensor Sum(Tensor local) => context.Reduction?.DifferentiableSum(local) ?? local;
        Tensor GlobalMean(Tensor values) => Sum(values.sum(others)).reshape(perChannel) / count;

        Tensor x = input.to(type), dy = gradient.to(type);
        Tensor centred = x, scaled = dy;
        Tensor normalised;
        Tensor? inputGradient = null;
        if (context.InputNeedsGradient)
        {
            centred = x - GlobalMean(x);
            Tensor inverseDeviation = (GlobalMean(centred * centred) + context.Epsilon).rsqrt();
            normalised = centred * inverseDeviation;
            scaled = weight is null ? dy : dy * weight.to(type).reshape(perChannel);
            inputGradient = (inverseDeviation * (scaled - GlobalMean(scaled) - (normalised * GlobalMean(scaled * normalised)))).to(input.dtype);
        }
        else
        {
            Tensor mean = tensor(context.Statistics.Mean, dtype: type).reshape(perChannel);
            normalised = (x - mean) * tensor(context.Statistics.InverseDeviation(context.Epsilon), dtype: type).reshape(perChannel);
        }

        Tensor? weightGradient = weight is null ? null : (dy * normalised).sum(others).to(weight.dtype);
        Tensor? biasGradient = hasBias ? dy.sum(others).to(weight?.dtype ?? type) : null;
        return [inputGradient, weightGradient, biasGradient, null];
    }
}
