using Convoy.Torch.Autograd;
using Convoy.Torch.Interop;
using Convoy.Torch.Normalization;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// What one <see cref="SyncBatchNorm"/> exchanges with the other ranks. Forward: one all-gather of 2 + 2 C numbers in float64 (count, whether the input
/// needs a gradient, means, squared deviations), whose tensors are made once. Backward: an all-reduce of 2 C numbers.
/// </summary>
internal sealed unsafe class StatisticsExchange : IStatisticsReduction, IDisposable
{
    private const int Header = 2;

    private readonly ProcessGroup _group;
    private readonly int _channels;
    private Tensor? _message;
    private Tensor? _gathered;
    private Tensor[] _rows = [];

    /// <param name="group">The ranks.</param>
    /// <param name="channels">C.</param>
    public StatisticsExchange(ProcessGroup group, long channels)
    {
        ArgumentNullException.ThrowIfNull(group);
        (_group, _channels) = (group, (int)channels);
    }

    /// <inheritdoc/>
    public int Ranks => _group.Size;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The ranks do not agree on <paramref name="inputNeedsGradient"/>; all of them throw.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    public BatchStatistics Combine(BatchStatistics local, bool inputNeedsGradient)
    {
        if (_group.Size == 1)
        {
            return local;
        }

        MakeMessage();
        var message = new Span<double>(TensorMemory.Address(_message!), Header + (2 * _channels));
        message[0] = local.Count;
        message[1] = inputNeedsGradient ? 1 : 0;
        local.Mean.CopyTo(message[Header..]);
        local.SquaredDeviations.CopyTo(message[(Header + _channels)..]);
        _group.AllGather(_rows, _message!);

        var parts = new BatchStatistics[_group.Size];
        for (int rank = 0; rank < parts.Length; rank++)
        {
            var part = new ReadOnlySpan<double>(TensorMemory.Address(_rows[rank]), message.Length);
            if (part[1] != message[1])
            {
                throw new InvalidOperationException(FormattableString.Invariant(
                    $"the input of SyncBatchNorm needs a gradient on rank {(inputNeedsGradient ? _group.Rank : rank)} and not on rank {(inputNeedsGradient ? rank : _group.Rank)}, so the one would wait for the other in the backward pass. Use the same requires_grad and no_grad on all ranks."));
            }

            parts[rank] = new BatchStatistics(part[0], part.Slice(Header, _channels).ToArray(), part[(Header + _channels)..].ToArray());
        }

        return BatchStatistics.Combine(parts);
    }

    /// <inheritdoc/>
    public void Sum(double[] values)
    {
        using Tensor total = tensor(values);
        SumInPlace(_group, total);
        new ReadOnlySpan<double>(TensorMemory.Address(total), values.Length).CopyTo(values);
    }

    /// <inheritdoc/>
    public Tensor DifferentiableSum(Tensor values) => AllReduceSum.apply(values, _group);

    /// <inheritdoc/>
    public void Fail(Exception error) => _group.Break(error); // Tells the other ranks, which wait for this one, and throws the error again here.

    /// <summary>Frees the message's tensors.</summary>
    public void Dispose()
    {
        foreach (Tensor row in _rows)
        {
            row.Dispose();
        }

        _gathered?.Dispose();
        _message?.Dispose();
    }

    private void MakeMessage()
    {
        if (_message is null)
        {
            _message = zeros([Header + (2 * _channels)], float64).DetachFromDisposeScope();
            _gathered = zeros([_group.Size, Header + (2 * _channels)], float64).DetachFromDisposeScope();
            _rows = [.. Enumerable.Range(0, _group.Size).Select(rank => _gathered[rank].DetachFromDisposeScope())];
        }
    }

    // Comes out of backward where that can be, and the broken group throws it again, at the latest when DistributedDataParallel asks it; until then nobody shall mistake NaN for a gradient.
    private static void SumInPlace(ProcessGroup group, Tensor values)
    {
        try
        {
            group.AllReduce(values);
        }
        catch (DistributedException error)
        {
            AutogradEngine.TryFailPass(error);
            values.fill_(double.NaN);
        }
    }

    // Arguments: the tensor, the group. The gradient of each rank's tensor is the sum of all ranks' gradients.
    private sealed class AllReduceSum : autograd.SingleTensorFunction<AllReduceSum>
    {
        public override string Name => nameof(AllReduceSum);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var group = (ProcessGroup)vars[1];
            ctx.save_data(nameof(ProcessGroup), group);
            Tensor sum = ((Tensor)vars[0]).clone();
            SumInPlace(group, sum);
            return sum;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) =>
            [apply(grad_output, ctx.get_data(nameof(ProcessGroup))), null!];
    }
}
