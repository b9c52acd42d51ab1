using Convoy.Torch.Autograd;
using Convoy.Torch.Nn;
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
/// All ranks must run it forward, and backward, equally often and in the same order. A training step sends one all-gather of
/// 2 + 2 C and, where the input needs a gradient, one all-reduce of 2 C numbers of 8 bytes. The gradients of weight and bias are
/// those of this rank's part; <see cref="DistributedDataParallel{T, TResult}"/> averages them.
/// </para>
/// <para>
/// A forward pass throws <see cref="DistributedException"/> when a rank ended, did not arrive in time, or called something else, and
/// <see cref="InvalidOperationException"/> when the input needs a gradient on some ranks only.
/// </para>
/// </remarks>
public sealed class SyncBatchNorm : FusedBatchNorm
{
    private readonly StatisticsExchange _exchange;

    /// <summary>A new layer: weight 1, bias 0, running mean 0, running variance 1.</summary>
    /// <param name="features">C, the number of channels; at least 1.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="eps">Added to the variance. Default: 1e-5.</param>
    /// <param name="momentum">The weight of a batch in the running statistics, 0 to 1; null: all batches weigh the same. Default: 0.1.</param>
    /// <param name="affine">Whether there are weight and bias. Default: true.</param>
    /// <param name="trackRunningStats">Whether there are running statistics; without them, evaluation too normalises each batch, each rank its own. Default: true.</param>
    /// <param name="dtype">The type of weight, bias and running statistics. Default: float32.</param>
    public SyncBatchNorm(long features, ProcessGroup group, double eps = 1e-5, double? momentum = 0.1, bool affine = true, bool trackRunningStats = true, ScalarType dtype = ScalarType.Float32)
        : this(new StatisticsExchange(group, features), features, eps, momentum, affine, trackRunningStats, dtype)
    {
    }

    private SyncBatchNorm(StatisticsExchange exchange, long features, double eps, double? momentum, bool affine, bool trackRunningStats, ScalarType dtype)
        : base(nameof(SyncBatchNorm), exchange, features, eps, momentum, affine, trackRunningStats, dtype) => _exchange = exchange;

    private SyncBatchNorm(StatisticsExchange exchange, nn.Module<Tensor, Tensor> replaced, BackwardGuard guard)
        : base(nameof(SyncBatchNorm), exchange, replaced, guard) => _exchange = exchange;

    /// <summary>
    /// Replaces every batch norm inside <paramref name="module"/>, TorchSharp's or a <see cref="FusedBatchNorm"/>, by this layer; parameters and buffers stay the same tensors
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
        return ModuleReplacement.TakeOver(module, new SyncBatchNorm(new StatisticsExchange(group, module.num_features), module, new BackwardGuard()));
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

        var guard = new BackwardGuard();
        ModuleReplacement.ReplaceAll(module, child => child switch
        {
            BatchNorm norm => new SyncBatchNorm(new StatisticsExchange(group, norm.num_features), norm, guard),
            FusedBatchNorm norm and not SyncBatchNorm => new SyncBatchNorm(new StatisticsExchange(group, norm.Features), norm, guard),
            _ => null,
        });
        return module;
    }

    /// <summary>Frees parameters and buffers.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _exchange.Dispose();
        }

        base.Dispose(disposing);
    }
}
