using Convoy.Distributed.Interop;
using Convoy.Distributed.Nn.Channels;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn.Normalization;

/// <summary>
/// One layer's exchange of statistics in its forward pass: one all-gather of 2 + 2 C numbers in float64 (count, whether the input
/// needs a gradient, means, squared deviations). The message's tensors are made once.
/// </summary>
internal sealed unsafe class StatisticsExchange : IDisposable
{
    private const int Header = 2;

    private readonly ProcessGroup _group;
    private readonly int _channels;
    private readonly Tensor _message;
    private readonly Tensor _gathered;
    private readonly Tensor[] _rows;

    /// <param name="group">The ranks.</param>
    /// <param name="channels">C.</param>
    public StatisticsExchange(ProcessGroup group, int channels)
    {
        _group = group;
        _channels = channels;
        _message = zeros([Header + (2 * channels)], float64).DetachFromDisposeScope();
        _gathered = zeros([group.Size, Header + (2 * channels)], float64).DetachFromDisposeScope();
        _rows = [.. Enumerable.Range(0, group.Size).Select(rank => _gathered[rank].DetachFromDisposeScope())];
    }

    /// <summary>This rank's part of the statistics.</summary>
    /// <param name="input">[N, C, ...] in <paramref name="layout"/>; N may be 0.</param>
    /// <param name="layout">Its layout.</param>
    public static BatchStatistics ComputeLocal(Tensor input, ChannelLayout layout)
    {
        int channels = layout.Channels;
        double[] means = new double[channels], deviations = new double[channels];
        if (layout.Count == 0)
        {
            return new BatchStatistics(0, means, deviations);
        }

        double[] shift = FirstValues(input);
        double[] sums = ChannelPass.Run<Moments>(new ChannelOperands(input), layout, new ChannelConstants(shift), get_num_threads());
        for (int channel = 0; channel < channels; channel++)
        {
            double offset = sums[channel] / layout.Count;
            means[channel] = shift[channel] + offset;
            deviations[channel] = Math.Max(0, sums[channels + channel] - (offset * sums[channel]));
        }

        return new BatchStatistics(layout.Count, means, deviations);
    }

    // Any value of a channel is near enough to its mean; these are exact in the type of the input.
    private static double[] FirstValues(Tensor input)
    {
        using var scope = NewDisposeScope();
        Tensor values = input.select(0, 0);
        while (values.dim() > 1)
        {
            values = values.select(1, 0);
        }

        Tensor wide = values.to(ScalarType.Float64).contiguous();
        return new ReadOnlySpan<double>(TensorMemory.Address(wide), (int)wide.numel()).ToArray();
    }

    /// <summary>Combines this rank's statistics with those of all others, which call this at the same time.</summary>
    /// <param name="local">This rank's part.</param>
    /// <param name="inputNeedsGradient">Whether this rank's backward pass will want the others' sums.</param>
    /// <exception cref="InvalidOperationException">The ranks do not agree on <paramref name="inputNeedsGradient"/>; all of them throw.</exception>
    /// <exception cref="DistributedException">A rank ended, did not come in time, or called something else.</exception>
    public BatchStatistics Exchange(BatchStatistics local, bool inputNeedsGradient)
    {
        var message = new Span<double>(TensorMemory.Address(_message), Header + (2 * _channels));
        message[0] = local.Count;
        message[1] = inputNeedsGradient ? 1 : 0;
        local.Mean.CopyTo(message[Header..]);
        local.SquaredDeviations.CopyTo(message[(Header + _channels)..]);
        _group.AllGather(_rows, _message);

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

    /// <summary>Frees the message's tensors.</summary>
    public void Dispose()
    {
        foreach (Tensor row in _rows)
        {
            row.Dispose();
        }

        _gathered.Dispose();
        _message.Dispose();
    }
}
