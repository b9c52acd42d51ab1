using Convoy.Distributed.Errors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Batch norm over the batches of all ranks together, as PyTorch's <c>SyncBatchNorm</c>, but on the CPU: N ranks compute what
/// one would on the whole batch. Ranks may have batches of different size. In evaluation, and with one process, it is plain batch
/// norm. Parameters and buffers have <c>BatchNorm</c>'s names.
/// </summary>
/// <remarks>
/// Ioffe and Szegedy, "Batch Normalization" (2015). Inputs are [N, C], [N, C, L], [N, C, H, W] or [N, C, D, H, W] in float32, or
/// in bfloat16 or float16 with statistics in float32; channels-last inputs give channels-last outputs. All ranks must run it
/// forward, and backward, equally often and in the same order.
/// </remarks>
public sealed class SyncBatchNorm : nn.Module<Tensor, Tensor>
{
    private readonly ProcessGroup _group;

    /// <summary>A new layer: weight 1, bias 0, running mean 0, running variance 1.</summary>
    /// <param name="features">C, the number of channels; at least 1.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="eps">Added to the variance. Default: 1e-5.</param>
    /// <param name="momentum">The weight of a batch in the running statistics, 0 to 1; null: all batches weigh the same. Default: 0.1.</param>
    public SyncBatchNorm(long features, ProcessGroup group, double eps = 1e-5, double? momentum = 0.1)
        : this(group, features, eps, momentum, new Parameter(ones(features)), new Parameter(zeros(features)), zeros(features), ones(features), zeros([], int64))
    {
    }

    private SyncBatchNorm(ProcessGroup group, long features, double eps, double? momentum, Parameter? weight, Parameter? bias, Tensor? runningMean, Tensor? runningVariance, Tensor? batches)
        : base(nameof(SyncBatchNorm))
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        _group = group;
        Features = features;
        Eps = eps;
        Momentum = momentum;
        Register(nameof(weight), weight);
        Register(nameof(bias), bias);
        Register("running_mean", runningMean);
        Register("running_var", runningVariance);
        Register("num_batches_tracked", batches);
    }

    /// <summary>C, the number of channels.</summary>
    public long Features { get; }

    /// <summary>Added to the variance.</summary>
    public double Eps { get; }

    /// <summary>The weight of a batch in the running statistics; null: all batches weigh the same.</summary>
    public double? Momentum { get; }

    /// <summary>
    /// Replaces every batch norm inside <paramref name="module"/> by this layer; parameters and buffers stay the same tensors
    /// under the same names.
    /// </summary>
    /// <param name="module">Any module; its batch norms must be held in fields, lists or dictionaries whose type also admits another module.</param>
    /// <param name="group">The ranks.</param>
    /// <returns><paramref name="module"/>, or its replacement when it is a batch norm itself.</returns>
    /// <exception cref="ArgumentException">A batch norm cannot be replaced, as its field is declared as, say, <c>BatchNorm2d</c>; the message names the field.</exception>
    public static nn.Module<Tensor, Tensor> Convert(nn.Module<Tensor, Tensor> module, ProcessGroup group) =>
        module is BatchNorm norm ? Replace(norm, group) : Convert<nn.Module<Tensor, Tensor>>(module, group);

    /// <inheritdoc cref="Convert(nn.Module{Tensor, Tensor}, ProcessGroup)"/>
    public static T Convert<T>(T module, ProcessGroup group)
        where T : nn.Module
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(group);
        if (module is BatchNorm)
        {
            throw new ArgumentException($"a {typeof(T).Name} cannot become a SyncBatchNorm in place. Give it as Module<Tensor, Tensor> and take the result.", nameof(module));
        }

        ModuleReplacement.ReplaceAll(module, child => child is BatchNorm norm ? Replace(norm, group) : null);
        return module;
    }

    /// <summary>Normalises <paramref name="input"/>; in training with the statistics of all ranks' inputs.</summary>
    /// <exception cref="ArgumentException">The input does not fit.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.dim() is < 2 or > 5 || input.shape[1] != Features || input.dtype is not (ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16))
        {
            throw new ArgumentException($"SyncBatchNorm needs a float32 (or bfloat16, float16) input [N, {Features}, ...] of 2 to 5 dimensions, not {input.dtype} [{string.Join(", ", input.shape)}].", nameof(input));
        }

        Tensor? weight = get_parameter(nameof(weight)), bias = get_parameter(nameof(bias));
        Tensor? runningMean = get_buffer("running_mean"), runningVariance = get_buffer("running_var");
        bool usesBatch = training || runningMean is null;
        double factor = training && runningMean is not null ? CountBatch() : 0;
        if (!usesBatch || _group.Size == 1)
        {
            return nn.functional.batch_norm(input, runningMean, runningVariance, weight, bias, usesBatch, factor, Eps);
        }

        using var scope = NewDisposeScope();
        BatchStatistics statistics;
        ChannelLayout layout;
        using (no_grad())
        {
            (Tensor dense, layout) = ChannelLayout.Of(input.detach());
            statistics = BatchStatistics.Compute(dense, layout, _group);
            if (statistics.Count < 2)
            {
                throw new ArgumentException("SyncBatchNorm in training needs more than one value a channel, counted over all ranks.", nameof(input));
            }

            if (training && runningMean is not null)
            {
                Update(runningMean, [.. statistics.Mean.Select(mean => (float)mean)], factor);
                Update(runningVariance!, [.. Enumerable.Range(0, layout.Channels).Select(c => (float)statistics.UnbiasedVariance(c))], factor);
            }
        }

        return SyncBatchNormFunction.apply(input, weight!, bias!, statistics, layout, Eps, _group).MoveToOuterDisposeScope();
    }

    private static SyncBatchNorm Replace(BatchNorm norm, ProcessGroup group)
    {
        var replacement = new SyncBatchNorm(group, norm.num_features, norm.eps, norm.momentum, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.num_batches_tracked);
        replacement.train(norm.training);

        // The tensors are the replacement's now; the finalizer of the batch norm, which nothing refers to any more, would
        // dispose of them.
#pragma warning disable CA1816 // meant for the object that disposes of itself, which this one must not do
        GC.SuppressFinalize(norm);
#pragma warning restore CA1816
        return replacement;
    }

    // running = (1 - factor) running + factor batch
    private static void Update(Tensor running, float[] batch, double factor)
    {
        using Tensor values = tensor(batch);
        running.mul_(1 - factor).add_(values, factor);
    }

    private double CountBatch()
    {
        using var noGradient = no_grad();
        Tensor? batches = get_buffer("num_batches_tracked");
        batches?.add_(1);
        return Momentum ?? (batches is null ? 0 : 1.0 / batches.item<long>());
    }

    private void Register(string name, Parameter? parameter)
    {
        if (parameter is not null)
        {
            register_parameter(name, parameter);
        }
    }

    private void Register(string name, Tensor? buffer)
    {
        if (buffer is not null)
        {
            register_buffer(name, buffer);
        }
    }
}
