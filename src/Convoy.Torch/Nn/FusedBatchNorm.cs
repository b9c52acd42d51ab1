using Convoy.Torch.Autograd;
using Convoy.Torch.Normalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Nn;

/// <summary>
/// Batch norm that can do in one pass what usually follows it: ReLU, the addition of a residual, a max-pool. By itself it computes what TorchSharp's
/// <c>BatchNorm1d</c>, <c>2d</c> and <c>3d</c> do, with their parameters and buffers under the same names, so state moves between them.
/// </summary>
/// <remarks>
/// Ioffe and Szegedy, "Batch Normalization" (2015). Inputs are [N, C] or [N, C, ...] in float32 or float64 with weights of the same
/// type, or in bfloat16 or float16 with weights of the same type or float32 (as autocast gives); channels-last inputs [N, C, H, W]
/// and [N, C, D, H, W] give channels-last outputs. A derived class can take statistics over more than this process's batch, see <see cref="IStatisticsReduction"/>;
/// they are combined in float64.
/// </remarks>
public class FusedBatchNorm : nn.Module<Tensor, Tensor>
{
    private readonly BackwardGuard _guard;
    private readonly IStatisticsReduction? _reduction;

    /// <summary>A new layer: weight 1, bias 0, running mean 0, running variance 1.</summary>
    /// <param name="features">C, the number of channels; at least 1.</param>
    /// <param name="eps">Added to the variance. Default: 1e-5.</param>
    /// <param name="momentum">The weight of a batch in the running statistics, 0 to 1; null: all batches weigh the same. Default: 0.1.</param>
    /// <param name="affine">Whether there are weight and bias. Default: true.</param>
    /// <param name="trackRunningStats">Whether there are running statistics; without them, evaluation too normalises each batch. Default: true.</param>
    /// <param name="dtype">The type of weight, bias and running statistics. Default: float32.</param>
    public FusedBatchNorm(long features, double eps = 1e-5, double? momentum = 0.1, bool affine = true, bool trackRunningStats = true, ScalarType dtype = ScalarType.Float32)
        : this(nameof(FusedBatchNorm), null, features, eps, momentum, affine, trackRunningStats, dtype) => FusesActivation = true;

    // In place of another layer.
    internal FusedBatchNorm(BatchNorm replaced, BackwardGuard guard)
        : this(nameof(FusedBatchNorm), null, replaced, guard) => FusesActivation = true;

    /// <summary>A new layer of a derived class.</summary>
    /// <param name="name">The class's name, for messages.</param>
    /// <param name="reduction">Combines the statistics with those of other ranks; null: there are none.</param>
    /// <param name="features">C, the number of channels; at least 1.</param>
    /// <param name="eps">Added to the variance.</param>
    /// <param name="momentum">The weight of a batch in the running statistics, 0 to 1; null: all batches weigh the same.</param>
    /// <param name="affine">Whether there are weight and bias.</param>
    /// <param name="trackRunningStats">Whether there are running statistics.</param>
    /// <param name="dtype">The type of weight, bias and running statistics.</param>
    protected FusedBatchNorm(string name, IStatisticsReduction? reduction, long features, double eps, double? momentum, bool affine, bool trackRunningStats, ScalarType dtype)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        (_reduction, _guard) = (reduction, new BackwardGuard());
        (Features, Eps, Momentum) = (features, eps, momentum);
        if (affine)
        {
            register_parameter("weight", new Parameter(ones(features, dtype)));
            register_parameter("bias", new Parameter(zeros(features, dtype)));
        }

        if (trackRunningStats)
        {
            register_buffer("running_mean", zeros(features, dtype));
            register_buffer("running_var", ones(features, dtype));
            register_buffer("num_batches_tracked", zeros([], int64));
        }
    }

    /// <summary>A layer of a derived class in place of another: it holds the same tensors, with epsilon and momentum.</summary>
    /// <param name="name">The class's name, for messages.</param>
    /// <param name="reduction">Combines the statistics with those of other ranks; null: there are none.</param>
    /// <param name="replaced">TorchSharp's batch norm or a <see cref="FusedBatchNorm"/>, whose parameters and buffers it takes; see <see cref="ModuleReplacement"/>.</param>
    /// <param name="guard">Keeps the gradients of backward passes; layers of one network share it.</param>
    /// <exception cref="ArgumentException">It is no batch norm.</exception>
    protected FusedBatchNorm(string name, IStatisticsReduction? reduction, nn.Module<Tensor, Tensor> replaced, BackwardGuard guard)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(replaced);
        ArgumentNullException.ThrowIfNull(guard);
        (_reduction, _guard) = (reduction, guard);
        (Features, Eps, Momentum, FusesActivation) = replaced switch
        {
            FusedBatchNorm fused => (fused.Features, fused.Eps, fused.Momentum, fused.FusesActivation),
            BatchNorm norm => (norm.num_features, norm.eps, norm.momentum, false),
            _ => throw new ArgumentException($"a {replaced.GetType().Name} is no batch norm. Give a BatchNorm or a FusedBatchNorm.", nameof(replaced)),
        };
        foreach ((string parameterName, Parameter parameter) in replaced.named_parameters(recurse: false))
        {
            register_parameter(parameterName, parameter);
        }

        foreach ((string bufferName, Tensor buffer) in replaced.named_buffers(recurse: false))
        {
            register_buffer(bufferName, buffer);
        }
    }

    /// <summary>C, the number of channels.</summary>
    public long Features { get; }

    /// <summary>Added to the variance.</summary>
    public double Eps { get; }

    /// <summary>The weight of a batch in the running statistics; null: all batches weigh the same.</summary>
    public double? Momentum { get; }

    /// <summary>
    /// Whether <see cref="forward"/> and <see cref="NormActivation"/>'s calls, with what follows, run in the layer's own passes, in training. <see cref="Fusion.Apply"/> switches it on. Default: true; false in derived
    /// classes that stand for another layer.
    /// </summary>
    public bool FusesActivation { get; set; }

    /// <summary>Normalises <paramref name="input"/>; in training with its own statistics, combined with those of the other ranks if there are any.</summary>
    /// <param name="input">[N, C, ...]; in training also an empty batch, as long as all ranks together have more than one value for each channel.</param>
    /// <exception cref="ArgumentException">The input does not fit.</exception>
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

        if (_reduction is null or { Ranks: 1 } && !(FusesActivation && CanFuse(input) && input.dim() == 4 && ChannelLayout.IsChannelsLast(input)))
        {
            RequireSeveralValues(input.numel() / Features, input);
            return nn.functional.batch_norm(input, runningMean, runningVariance, weight, bias, training: true, momentum: CountBatch(), eps: Eps);
        }

        using var scope = NewDisposeScope();
        return BatchNormFunction.apply(input, weight!, bias!, Measure(input)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// relu(norm(input) + residual) in one pass over memory forward and two backward, as NVIDIA Apex's <c>SyncBatchNorm(fuse_relu=True)</c>.
    /// The same to rounding as the single operations, to which it falls back in evaluation and for float16.
    /// </summary>
    /// <param name="input">As for <see cref="forward"/>.</param>
    /// <param name="residual">Added before ReLU, of the input's shape; null for none.</param>
    /// <returns>The input's shape, layout and type.</returns>
    /// <exception cref="ArgumentException">The input or the residual does not fit.</exception>
    public Tensor NormalizeRelu(Tensor input, Tensor? residual = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        Tensor? weight = get_parameter(nameof(weight)), bias = get_parameter(nameof(bias));
        RequireFitting(input, weight);
        if (residual is not null && !residual.shape.AsSpan().SequenceEqual(input.shape))
        {
            throw new ArgumentException($"{GetName()} got a residual [{string.Join(", ", residual.shape)}] for an input [{string.Join(", ", input.shape)}]. Give both one shape.", nameof(residual));
        }

        using var scope = NewDisposeScope();
        if (!CanFuse(input) || (residual is not null && residual.dtype != input.dtype))
        {
            Tensor normalized = forward(input);
            return (residual is null ? normalized : normalized + residual).relu().MoveToOuterDisposeScope();
        }

        return NormalizeReluFunction.apply(input, weight!, bias!, residual!, Measure(input)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// max_pool2d(relu(norm(input)), kernel 3, stride 2, padding 1), a ResNet's first layers after its convolution, without writing the
    /// tensor between them. The same to rounding as the single operations, to which it falls back in evaluation, for float16 and
    /// for inputs that are not in channels-last order. Its gradients cannot be differentiated again.
    /// </summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, C, ceil(H / 2), ceil(W / 2)], in the input's layout and type.</returns>
    /// <inheritdoc cref="NormalizeRelu" path="/exception"/>
    public Tensor NormalizeReluMaxPool(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Tensor? weight = get_parameter(nameof(weight)), bias = get_parameter(nameof(bias));
        RequireFitting(input, weight);
        if (input.dim() != 4)
        {
            throw new ArgumentException($"NormalizeReluMaxPool got an input [{string.Join(", ", input.shape)}]. Give it [N, {Features}, H, W].", nameof(input));
        }

        using var scope = NewDisposeScope();
        if (!CanFuse(input) || !ChannelLayout.IsChannelsLast(input))
        {
            return nn.functional.max_pool2d(forward(input).relu(), 3, 2, 1).MoveToOuterDisposeScope();
        }

        return NormalizeReluMaxPoolFunction.apply(input, weight!, bias!, Measure(input)).MoveToOuterDisposeScope();
    }

    /// <summary>Frees parameters and buffers.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _guard.Dispose();
        }

        base.Dispose(disposing);
    }

    private bool CanFuse(Tensor input) =>
        training && input.numel() > 0 && input.dtype is (ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16);

    // The statistics of all ranks' inputs, which also go into the running ones.
    private NormalizationContext Measure(Tensor input)
    {
        bool inputNeedsGradient = input.requires_grad && is_grad_enabled();
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _guard.Enter();
        (Tensor dense, ChannelLayout layout) = ChannelLayout.MakeDense(input);
        BatchStatistics statistics = BatchStatistics.Measure(dense, layout);
        statistics = _reduction?.Combine(statistics, inputNeedsGradient) ?? statistics;
        RequireSeveralValues(statistics.Count, input);
        double factor = CountBatch();
        if (get_buffer("running_mean") is { } runningMean && statistics.Count > 0)
        {
            ChannelNumbers.Update(runningMean, statistics.Mean, factor);
            ChannelNumbers.Update(get_buffer("running_var")!, statistics.UnbiasedVariance, factor);
        }

        return new NormalizationContext(statistics, layout, Eps, _reduction, inputNeedsGradient, _guard);
    }

    // The weight of this batch in the running statistics.
    private double CountBatch()
    {
        if (get_buffer("num_batches_tracked") is not { } batches)
        {
            return 0;
        }

        using var noGradient = no_grad();
        ChannelNumbers.CountOne(batches);
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
            throw new ArgumentException($"{GetName()} got an input [{string.Join(", ", input.shape)}]. Give it [N, {Features}] or [N, {Features}, ...].", nameof(input));
        }

        if (input.dtype is not (ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16 or ScalarType.Float16))
        {
            throw new ArgumentException($"{GetName()} got an input of {input.dtype}. Give it float32, float64, bfloat16 or float16.", nameof(input));
        }

        if (weight is not null && weight.dtype != input.dtype && (weight.dtype != ScalarType.Float32 || input.dtype == ScalarType.Float64))
        {
            throw new ArgumentException($"{GetName()} has weights of {weight.dtype} and got an input of {input.dtype}. Convert one to the other's type.", nameof(input));
        }
    }

    private void RequireSeveralValues(double count, Tensor input)
    {
        if (count == 1)
        {
            throw new ArgumentException(
                $"{GetName()} in training needs more than 1 value a channel{(_reduction is null ? "" : $", counted over all {_reduction.Ranks} ranks")} (here: [{string.Join(", ", input.shape)}]). Use larger batches, or eval().", nameof(input));
        }
    }
}
