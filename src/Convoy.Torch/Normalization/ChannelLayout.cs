using static TorchSharp.torch;

namespace Convoy.Torch.Normalization;

/// <summary>How the elements of a tensor [N, C, ...] follow each other in memory.</summary>
/// <param name="ChannelsLast">Whether the channels of one position lie together (otherwise the positions of one channel do).</param>
/// <param name="Batch">N.</param>
/// <param name="Channels">C.</param>
/// <param name="Positions">The product of the dimensions after the channels; 1 when there are none.</param>
internal readonly record struct ChannelLayout(bool ChannelsLast, long Batch, int Channels, long Positions)
{
    /// <summary>Elements of one channel.</summary>
    public long Count => Batch * Positions;

    /// <summary>Whether the channels of each position of <paramref name="tensor"/>, [N, C, H, W], lie together and nothing lies between them.</summary>
    public static bool IsChannelsLast(Tensor tensor)
    {
        long[] shape = tensor.shape;
        return shape.Length == 4 && IsChannelsLast(shape, tensor.stride());
    }

    /// <summary>
    /// Gives the tensor in one of the two layouts (itself when it is in one already) and says which. float16 becomes float32:
    /// the kernels read float32, float64 and bfloat16.
    /// </summary>
    /// <param name="tensor">[N, C, ...].</param>
    /// <param name="channelsLast">Which layout it must have; null: the one it is in, or else contiguous.</param>
    public static (Tensor Tensor, ChannelLayout Layout) MakeDense(Tensor tensor, bool? channelsLast = null)
    {
        Tensor dense = tensor.dtype == ScalarType.Float16 ? tensor.to(ScalarType.Float32) : tensor;
        long[] shape = dense.shape;
        long positions = 1;
        foreach (long size in shape.AsSpan(2))
        {
            positions *= size;
        }

        bool isFirst = dense.is_contiguous();
        if (isFirst && channelsLast is null)
        {
            // With one position both layouts are the same, and rows of channels are the longer stretches.
            return (dense, new ChannelLayout(positions == 1, shape[0], (int)shape[1], positions));
        }

        bool isLast = IsChannelsLast(shape, dense.stride()), wanted = channelsLast ?? isLast;
        if (wanted && !isLast)
        {
            long[] toLast = [0, .. Enumerable.Range(2, shape.Length - 2).Select(d => (long)d), 1], toFirst = [0, shape.Length - 1, .. Enumerable.Range(1, shape.Length - 2).Select(d => (long)d)];
            using Tensor last = dense.permute(toLast);
            dense = last.contiguous().permute(toFirst);
        }
        else if (!wanted && !isFirst)
        {
            dense = dense.contiguous();
        }

        return (dense, new ChannelLayout(wanted, shape[0], (int)shape[1], positions));
    }

    // Of dimensions with one element no stride matters.
    private static bool IsChannelsLast(long[] shape, long[] strides)
    {
        long expected = 1;
        for (int i = 0; i < shape.Length; i++)
        {
            int dimension = i == 0 ? 1 : i == shape.Length - 1 ? 0 : shape.Length - i;
            if (shape[dimension] != 1 && strides[dimension] != expected)
            {
                return shape.Contains(0);
            }

            expected *= shape[dimension];
        }

        return true;
    }
}
