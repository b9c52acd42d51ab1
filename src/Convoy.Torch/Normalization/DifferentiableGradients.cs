using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

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
