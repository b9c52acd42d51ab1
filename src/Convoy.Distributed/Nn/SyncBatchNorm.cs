using Convoy.Distributed.Nn.Channels;
using Convoy.Distributed.Nn.Normalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Batch norm over the batches of all ranks together, as PyTorch's <c>SyncBatchNorm</c>, but on the CPU: N ranks compute what
/// one would on the whole batch. Ranks may have batches of different size, also none. In evaluation, and with one process, it is
/// plain batch norm without communication. Parameters and buffers have <c>BatchNorm</c>'s names, so state moves between the two.
/// </summary>
/// <remarks>
/// <para>
/// Ioffe and Szegedy, "Batch Normalization" (2015). Inputs are [N, C] or [N, C, ...] in float32 or float64 with weights of the same
/// type, or in bfloat16 or float16 with weights of the same type or float32 (as autocast gives); channels-last inputs [N, C, H, W]
/// and [N, C, D, H, W] give channels-last outputs. Statistics are combined over ranks in float64.
/// </para>
/// <para>
/// All ranks must run it forward, and backward, equally often and in the same order. A training step sends one all-gather of
/// 2 + 2 C and, where the input needs a gradient, one all-reduce of 2 C numbers of 8 bytes. The gradients of weight and bias are
/// those of this rank's part; <see cref="DistributedDataParallel{T, TResult}"/> averages them.
/// </para>
/// </remarks>
public sealed partial class SyncBatchNorm : nn.Module<Tensor, Tensor>
{
    private readonly ProcessGroup _group;
    private readonly ReturnedGradients _returned;
    private StatisticsExchange? _exchange;

    /// <summary>A new layer: weight 1, bias 0, running mean 0, running variance 1.</summary>
    /// <param name="features">C, the number of channels; at least 1.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="eps">Added to the variance. Default: 1e-5.</param>
    /// <param name="momentum">The weight of a batch in the running statistics, 0 to 1; null: all batches weigh the same. Default: 0.1.</param>
    /// <param name="affine">Whether there are weight and bias. Default: true.</param>
    /// <param name="trackRunningStats">Whether there are running statistics; without them, evaluation too normalises each batch, each rank its own. Default: true.</param>
    /// <param name="dtype">The type of weight, bias and running statistics. Default: float32.</param>
    public SyncBatchNorm(long features, ProcessGroup group, double eps = 1e-5, double? momentum = 0.1, bool affine = true, bool trackRunningStats = true, ScalarType dtype = ScalarType.Float32)
        : this(
            group,
            features,
            eps,
            momentum,
            affine ? new Parameter(ones(features, dtype)) : null,
            affine ? new Parameter(zeros(features, dtype)) : null,
            trackRunningStats ? zeros(features, dtype) : null,
            trackRunningStats ? ones(features, dtype) : null,
            trackRunningStats ? zeros([], int64) : null,
            new ReturnedGradients())
    {
    }

    private SyncBatchNorm(
        ProcessGroup group, long features, double eps, double? momentum, Parameter? weight, Parameter? bias, Tensor? runningMean, Tensor? runningVariance, Tensor? batches, ReturnedGradients returned)
        : base(nameof(SyncBatchNorm))
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        _group = group;
        _returned = returned;
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
    /// under the same names, with training mode, epsilon and momentum. Layers that are <see cref="SyncBatchNorm"/> already stay.
    /// Hooks of a replaced layer are lost, as with PyTorch's <c>convert_sync_batchnorm</c>. There is no way back, as none is needed:
    /// the state loads into the module as it was before. A replaced layer is not to be used or disposed any more, as its tensors are the new one's.
    /// </summary>
    /// <param name="module">Any module; its batch norms must be held in fields, lists or dictionaries whose type also admits another module.</param>
    /// <param name="group">The ranks.</param>
    /// <returns><paramref name="module"/>, or its replacement when it is a batch norm itself.</returns>
    /// <exception cref="ArgumentException">A batch norm cannot be replaced, as its field is declared as, say, <c>BatchNorm2d</c>; the message names the field.</exception>
    public static nn.Module<Tensor, Tensor> Convert(nn.Module<Tensor, Tensor> module, ProcessGroup group) => Convert<nn.Module<Tensor, Tensor>>(module, group);

    /// <summary>Makes a batch norm layer this one, which holds its parameters and buffers, with training mode, epsilon and momentum.</summary>
    /// <param name="module">The layer; not to be used or disposed any more, as its tensors are the result's.</param>
    /// <param name="group">The ranks.</param>
    public static SyncBatchNorm Convert(BatchNorm1d module, ProcessGroup group) => Convert((BatchNorm)module, group);

    /// <inheritdoc cref="Convert(BatchNorm1d, ProcessGroup)"/>
    public static SyncBatchNorm Convert(BatchNorm2d module, ProcessGroup group) => Convert((BatchNorm)module, group);

    /// <inheritdoc cref="Convert(BatchNorm1d, ProcessGroup)"/>
    public static SyncBatchNorm Convert(BatchNorm3d module, ProcessGroup group) => Convert((BatchNorm)module, group);

    /// <inheritdoc cref="Convert(BatchNorm1d, ProcessGroup)"/>
    public static SyncBatchNorm Convert(BatchNorm module, ProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(group);
        return Replace(module, group, new ReturnedGradients());
    }

    /// <inheritdoc cref="Convert(nn.Module{Tensor, Tensor}, ProcessGroup)"/>
    public static T Convert<T>(T module, ProcessGroup group)
        where T : nn.Module
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(group);
        if (module is BatchNorm whole)
        {
            return typeof(T).IsAssignableFrom(typeof(SyncBatchNorm))
                ? (T)(nn.Module)Convert(whole, group)
                : throw new ArgumentException($"a {typeof(T).Name} cannot become a SyncBatchNorm in place. Give it as Module<Tensor, Tensor> and take the result.", nameof(module));
        }

        var returned = new ReturnedGradients();
        ModuleReplacement.ReplaceAll(module, child => child is BatchNorm norm ? Replace(norm, group, returned) : null);
        return module;
    }

    /// <summary>Normalises <paramref name="input"/>; in training with the statistics of all ranks' inputs.</summary>
    /// <param name="input">[N, C, ...]; in training also an empty batch, as long as all ranks together have more than one value a channel.</param>
    /// <exception cref="ArgumentException">The input does not fit.</exception>
    /// <exception cref="InvalidOperationException">The input needs a gradient on some ranks only.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public override Tensor forward(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Tensor? weight = get_parameter(nameof(weight)), bias = get_parameter(nameof(bias));
        RequireFitting(input, weight);
        Tensor? runningMean = get_buffer("running_mean"), runningVariance = get_buffer("running_var");
        if (!training)
        {
            return nn.functional.batch_norm(input, runningMean, runningVariance, weight, bias, training: runningMean is null, momentum: 0, eps: Eps);
        }

        if (_group.Size == 1)
        {
            RequireSeveralValues(input.numel() / Features, input);
            return nn.functional.batch_norm(input, runningMean, runningVariance, weight, bias, training: true, momentum: CountBatch(), eps: Eps);
        }

        using var scope = NewDisposeScope();
        return SyncBatchNormFunction.apply(input, weight!, bias!, Measure(input)).MoveToOuterDisposeScope();
    }

    /// <summary>Frees parameters and buffers.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _exchange?.Dispose();
            _returned.Release();
        }

        base.Dispose(disposing);
    }

    // The statistics of all ranks' inputs, which also go into the running ones.
    private NormalizationContext Measure(Tensor input)
    {
        bool inputNeedsGradient = input.requires_grad && is_grad_enabled();
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _returned.Release();
        (Tensor dense, ChannelLayout layout) = ChannelLayout.Of(input.detach());
        BatchStatistics statistics = StatisticsExchange.ComputeLocal(dense, layout);
        if (_group.Size > 1)
        {
            _exchange ??= new StatisticsExchange(_group, layout.Channels);
            statistics = _exchange.Exchange(statistics, inputNeedsGradient);
        }

        RequireSeveralValues(statistics.Count, input);
        double factor = CountBatch();
        if (get_buffer("running_mean") is { } runningMean && statistics.Count > 0)
        {
            Update(runningMean, statistics.Mean, factor);
            Update(get_buffer("running_var")!, statistics.UnbiasedVariance, factor);
        }

        return new NormalizationContext(statistics, layout, Eps, _group, inputNeedsGradient, _returned);
    }

    private static SyncBatchNorm Replace(BatchNorm norm, ProcessGroup group, ReturnedGradients returned) => ModuleReplacement.TakeOver(
        norm, new SyncBatchNorm(group, norm.num_features, norm.eps, norm.momentum, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.num_batches_tracked, returned));

    // running = (1 - factor) running + factor batch, in float64 whatever the running statistics are in.
    private static void Update(Tensor running, double[] batch, double factor)
    {
        using Tensor values = tensor(batch);
        running.copy_(values.mul_(factor).add_(running, 1 - factor));
    }

    // The weight of this batch in the running statistics.
    private double CountBatch()
    {
        if (get_buffer("num_batches_tracked") is not { } batches)
        {
            return 0;
        }

        using var noGradient = no_grad();
        batches.add_(1);
        if (Momentum is { } momentum)
        {
            return momentum;
        }

        // to(dtype) and TorchSharp's own batch norm make a floating-point number of it.
        using Tensor count = batches.to(ScalarType.Float64);
        return 1 / count.item<double>();
    }

    private void RequireFitting(Tensor input, Tensor? weight)
    {
        if (input.dim() < 2 || input.shape[1] != Features)
        {
            throw new ArgumentException($"SyncBatchNorm got an input [{string.Join(", ", input.shape)}]. Give it [N, {Features}] or [N, {Features}, ...].", nameof(input));
        }

        if (input.dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16 or ScalarType.Float16))
        {
            throw new ArgumentException($"SyncBatchNorm got an input of {input.dtype}. Give it float32, float64, bfloat16 or float16.", nameof(input));
        }

        if (weight is not null && weight.dtype != input.dtype && (weight.dtype != ScalarType.Float32 || input.dtype == ScalarType.Float64))
        {
            throw new ArgumentException($"SyncBatchNorm has weights of {weight.dtype} and got an input of {input.dtype}. Convert one to the other's type.", nameof(input));
        }
    }

    private void RequireSeveralValues(double count, Tensor input)
    {
        if (count == 1)
        {
            throw new ArgumentException(
                $"SyncBatchNorm in training needs more than 1 value a channel, counted over all {_group.Size} ranks (here: [{string.Join(", ", input.shape)}]). Use larger batches, or eval().", nameof(input));
        }
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
