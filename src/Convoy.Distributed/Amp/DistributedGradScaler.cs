using Convoy.Torch.Amp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Amp;

/// <summary>
/// A <see cref="GradScaler"/> whose ranks agree, as PyTorch's <c>ShardedGradScaler</c>: what one rank finds counts on all, so that every rank leaves the step out, and
/// every scale stays equal.
/// </summary>
/// <remarks>
/// <para>
/// After <see cref="Nn.DistributedDataParallel{T, TResult}"/> has averaged them, gradients share their infinities anyway; where ranks hold different gradients (sharded
/// optimizers, no averaging) only this makes them agree. All ranks unscale or step the same optimizers in the same order.
/// </para>
/// <para>
/// <see cref="GradScaler.Unscale"/> and <see cref="GradScaler.Step"/> also throw <see cref="InvalidOperationException"/> when the ranks' scales differ, and
/// <see cref="DistributedException"/> when a rank ended, did not arrive in time, or called something else.
/// </para>
/// </remarks>
public sealed class DistributedGradScaler : GradScaler
{
    private readonly ProcessGroup _group;

    /// <summary>A new scaler.</summary>
    /// <param name="group">The ranks; stays the caller's.</param>
    /// <param name="initScale">The first scale; above 0. Default: 65536.</param>
    /// <param name="growthFactor">See <see cref="GradScaler.GrowthFactor"/>. Default: 2.</param>
    /// <param name="backoffFactor">See <see cref="GradScaler.BackoffFactor"/>. Default: 0.5.</param>
    /// <param name="growthInterval">See <see cref="GradScaler.GrowthInterval"/>. Default: 2000.</param>
    /// <param name="enabled">False: losses stay unscaled and optimizers are just stepped. Default: true.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range.</exception>
    public DistributedGradScaler(ProcessGroup group, double initScale = 65536, double growthFactor = 2, double backoffFactor = 0.5, int growthInterval = 2000, bool enabled = true)
        : base(initScale, growthFactor, backoffFactor, growthInterval, enabled)
    {
        ArgumentNullException.ThrowIfNull(group);
        _group = group;
    }

    /// <inheritdoc/>
    protected override (bool AnyGradient, bool NonFinite) Agree(bool anyGradient, bool nonFinite)
    {
        // The scales travel along, as a rank that went on from another checkpoint would spoil the others' gradients without a word.
        using Tensor shared = tensor([anyGradient ? 1 : 0, nonFinite ? 1 : 0, GetScale(), -GetScale()], ScalarType.Float64);
        _group.AllReduce(shared, ReduceOp.Max);
        double[] most = [.. shared.data<double>()];
        return most[2] == -most[3]
            ? (most[0] > 0, most[1] > 0)
            : throw new InvalidOperationException(FormattableString.Invariant(
                $"the ranks' scalers have different scales, from {-most[3]} to {most[2]}. Start all from the same scale, or load the same state."));
    }
}
