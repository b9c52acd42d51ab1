using Convoy.Distributed.Errors;
using Convoy.Distributed.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Normalization;

/// <summary>
/// Batch norm whose statistics and their gradients are those of all ranks' batches together. Arguments: input, weight and bias
/// (both may be null), <see cref="NormalizationContext"/>.
/// </summary>
internal sealed unsafe class SyncBatchNormFunction : autograd.SingleTensorFunction<SyncBatchNormFunction>
{
    private const string HasBias = nameof(HasBias);

    public override string Name => nameof(SyncBatchNormFunction);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var input = (Tensor)vars[0];
        var weight = (Tensor?)vars[1];
        var bias = (Tensor?)vars[2];
        var context = (NormalizationContext)vars[3];
        ctx.save_for_backward([input, weight!]);
        ctx.save_data(nameof(NormalizationContext), context);
        ctx.save_data(HasBias, bias is not null);
        ctx.set_materialize_grads(false); // TorchSharp would make them from a tensor that the dispose scope has freed.
        if (input.numel() == 0)
        {
            return empty_like(input);
        }

        // libtorch normalises half types with statistics and weights in float32.
        ScalarType type = WideType(input.dtype);
        using var scope = NewDisposeScope();
        Tensor mean = tensor(context.Statistics.Mean, dtype: type), variance = tensor(context.Statistics.Variance, dtype: type);
        return nn.functional.batch_norm(input, mean, variance, weight?.to(type), bias?.to(type), training: false, momentum: 0, eps: context.Epsilon).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var context = (NormalizationContext)ctx.get_data(nameof(NormalizationContext));
        try
        {
            return Gradients(ctx, grad_output, context);
        }
#pragma warning disable CA1031 // Kept by the group, which throws it again.
        catch (Exception error)
#pragma warning restore CA1031
        {
            // Nor may any other exception pass (see InputGradient), such as libtorch's when the input was changed in place.
            // The other ranks would wait for this one: breaking the group tells them.
            context.Group.Break(error);
            return [null!, null!, null!, null!];
        }
    }

    /// <summary>The type in which libtorch's batch norm keeps statistics and weights for an input of <paramref name="type"/>.</summary>
    public static ScalarType WideType(ScalarType type) => type == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;

    private static List<Tensor> Gradients(autograd.AutogradContext ctx, Tensor grad_output, NormalizationContext context)
    {
        bool hasBias = (bool)ctx.get_data(HasBias);
        using var scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor input = saved[0];
        Tensor? weight = saved[1] is { IsInvalid: false } ? saved[1] : null;
        Tensor gradient = grad_output.IsInvalid ? zeros_like(input) : grad_output;
        if (is_grad_enabled())
        {
            // create_graph: the gradients are to be differentiated again.
            return DifferentiableGradients.Compute(input, weight, hasBias, gradient, context);
        }

        BatchStatistics statistics = context.Statistics;
        int channels = context.Layout.Channels;
        double[] inverseDeviation = statistics.InverseDeviation(context.Epsilon);
        (Tensor x, ChannelLayout layout) = ChannelLayout.Of(input, context.Layout.ChannelsLast);
        (Tensor dy, _) = ChannelLayout.Of(gradient, layout.ChannelsLast);
        double[] sums = layout.Count == 0 ? new double[2 * channels] : Sums(x, dy, layout, statistics.Mean);

        // Of this rank's part only: whoever averages gradients over ranks adds up the parts.
        Tensor? weightGradient = weight is null ? null : tensor([.. Enumerable.Range(0, channels).Select(c => sums[channels + c] * inverseDeviation[c])], dtype: weight.dtype);
        Tensor? biasGradient = !hasBias ? null : tensor(sums[..channels], dtype: weight?.dtype ?? WideType(input.dtype));
        Tensor? inputGradient = context.InputNeedsGradient ? InputGradient(x, dy, weight, layout, context, inverseDeviation, sums).to(input.dtype) : null;
        return context.Returned.Replace(inputGradient, weightGradient, biasGradient, null);
    }

    // The sums of dy and of dy (x - mean).
    private static double[] Sums(Tensor x, Tensor dy, ChannelLayout layout, double[] mean)
    {
        double[] sums = ChannelSums.Compute<GradientTerms>(x, dy, layout, mean, get_num_threads());
        if (x.dtype != ScalarType.Float64)
        {
            // The kernel took the mean rounded to float32; what that left out is known exactly.
            for (int channel = 0; channel < layout.Channels; channel++)
            {
                sums[layout.Channels + channel] += ((float)mean[channel] - mean[channel]) * sums[channel];
            }
        }

        return sums;
    }

    private static Tensor InputGradient(Tensor x, Tensor dy, Tensor? weight, ChannelLayout layout, NormalizationContext context, double[] inverseDeviation, double[] sums)
    {
        Tensor total = tensor(sums);
        try
        {
            context.Group.AllReduce(total);
        }
        catch (DistributedException)
        {
            // An exception must not pass through libtorch's frames: it would end the process without a message. The group
            // is broken now and throws this error again, at the latest when DistributedDataParallel.Backward asks it. Until
            // then nobody shall mistake the gradient for one.
            total.fill_(double.NaN);
        }

        int channels = layout.Channels;
        var totals = new ReadOnlySpan<double>(TensorMemory.Address(total), 2 * channels);
        using Tensor? scales = weight?.to(ScalarType.Float64).contiguous();
        double[] a = new double[channels], b = new double[channels], c = new double[channels];
        for (int channel = 0; channel < channels; channel++)
        {
            double meanGradient = totals[channel] / context.Statistics.Count, meanProduct = totals[channels + channel] / context.Statistics.Count;
            double factor = inverseDeviation[channel] * (scales is null ? 1 : ((double*)TensorMemory.Address(scales))[channel]);
            double slope = -factor * inverseDeviation[channel] * inverseDeviation[channel] * meanProduct;
            a[channel] = factor;
            b[channel] = slope;
            c[channel] = -factor * meanGradient;
        }

        Tensor result = empty_like(x);
        if (layout.Count > 0)
        {
            ChannelAffine.Compute(x, dy, result, layout, context.Statistics.Mean, a, b, c, get_num_threads());
        }

        return result;
    }
}
