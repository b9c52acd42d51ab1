using Convoy.Distributed.Errors;
using Convoy.Distributed.Interop;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Batch norm whose statistics and their gradients are those of all ranks' batches together. Arguments: input, weight and bias
/// (both may be null), <see cref="BatchStatistics"/>, <see cref="ChannelLayout"/>, epsilon, <see cref="ProcessGroup"/>.
/// </summary>
internal sealed unsafe class SyncBatchNormFunction : autograd.SingleTensorFunction<SyncBatchNormFunction>
{
    public override string Name => nameof(SyncBatchNormFunction);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var input = (Tensor)vars[0];
        var weight = (Tensor?)vars[1];
        var bias = (Tensor?)vars[2];
        var statistics = (BatchStatistics)vars[3];
        var layout = (ChannelLayout)vars[4];
        double epsilon = (double)vars[5];
        double[] inverseDeviation = [.. Enumerable.Range(0, layout.Channels).Select(c => 1 / Math.Sqrt(statistics.Variance(c) + epsilon))];
        ctx.save_for_backward([input, weight!]);
        ctx.save_data(nameof(BatchStatistics), statistics);
        ctx.save_data(nameof(ChannelLayout), layout);
        ctx.save_data(nameof(inverseDeviation), inverseDeviation);
        ctx.save_data(nameof(ProcessGroup), vars[6]);

        using var scope = NewDisposeScope();
        Tensor mean = tensor(ToSingle(statistics.Mean));
        Tensor variance = tensor(ToSingle([.. Enumerable.Range(0, layout.Channels).Select(statistics.Variance)]));
        return nn.functional.batch_norm(input, mean, variance, weight, bias, training: false, momentum: 0, eps: epsilon).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        var statistics = (BatchStatistics)ctx.get_data(nameof(BatchStatistics));
        var group = (ProcessGroup)ctx.get_data(nameof(ProcessGroup));
        double[] inverseDeviation = (double[])ctx.get_data("inverseDeviation");
        using var scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor? weight = saved[1] is { IsInvalid: false } ? saved[1] : null;
        (Tensor x, ChannelLayout layout) = ChannelLayout.Of(saved[0], ((ChannelLayout)ctx.get_data(nameof(ChannelLayout))).ChannelsLast);
        (Tensor dy, _) = ChannelLayout.Of(grad_output, layout.ChannelsLast);
        int channels = layout.Channels;
        double[] sums = layout.Count == 0 ? new double[2 * channels] : ChannelSums.Compute<GradientTerms>(
            (float*)TensorMemory.Address(x), (float*)TensorMemory.Address(dy), layout, ToSingle(statistics.Mean), get_num_threads());

        // Of this rank's part only: whoever averages gradients over ranks adds up the parts.
        Tensor? weightGradient = weight is null ? null : tensor(ToSingle([.. Enumerable.Range(0, channels).Select(c => sums[channels + c] * inverseDeviation[c])]));
        Tensor? biasGradient = weight is null ? null : tensor(ToSingle(sums.AsSpan(0, channels)));

        Tensor total = tensor(sums);
        try
        {
            group.AllReduce(total);
        }
        catch (DistributedException)
        {
            // An exception must not pass through libtorch's frames: it would end the process without a message. The group
            // is broken now and throws this error again, at the latest when DistributedDataParallel.Backward asks it.
        }

        double[] totals = total.data<double>().ToArray();
        float[] a = new float[channels], b = new float[channels], c = new float[channels];
        float[]? scale = weight?.data<float>().ToArray();
        for (int channel = 0; channel < channels; channel++)
        {
            double meanGradient = totals[channel] / statistics.Count, meanProduct = totals[channels + channel] / statistics.Count;
            double factor = inverseDeviation[channel] * (scale?[channel] ?? 1f);
            double slope = -factor * inverseDeviation[channel] * inverseDeviation[channel] * meanProduct;
            a[channel] = (float)factor;
            b[channel] = (float)slope;
            c[channel] = (float)((-factor * meanGradient) - (slope * statistics.Mean[channel]));
        }

        Tensor inputGradient = empty_like(x);
        ChannelAffine.Compute((float*)TensorMemory.Address(x), (float*)TensorMemory.Address(dy), (float*)TensorMemory.Address(inputGradient), layout, a, b, c, get_num_threads());
        inputGradient = inputGradient.to(saved[0].dtype);
        return [inputGradient.MoveToOuterDisposeScope(), weightGradient?.MoveToOuterDisposeScope()!, biasGradient?.MoveToOuterDisposeScope()!, null!, null!, null!, null!];
    }

    private static float[] ToSingle(ReadOnlySpan<double> values)
    {
        float[] singles = new float[values.Length];
        for (int i = 0; i < singles.Length; i++)
        {
            singles[i] = (float)values[i];
        }

        return singles;
    }
}
