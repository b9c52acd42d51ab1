using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Normalization;

/// <summary>
/// The numbers of each channel that <see cref="ChannelPass"/> works with: batch norm is (x - mean) scale + bias, and its input's gradient is
/// dy scale + (x - mean) slope + intercept. Subtracting the mean first keeps the terms small, so that they do not cancel.
/// </summary>
/// <param name="Mean">Subtracted from x; one a channel.</param>
internal sealed record ChannelConstants(double[] Mean)
{
    /// <summary>Rows in the table of <see cref="Table{T}"/>.</summary>
    public const int Count = 5;

    /// <summary>weight / sqrt(variance + epsilon); null where it is not used.</summary>
    public double[]? Scale { get; init; }

    /// <summary>Batch norm's bias; null for 0.</summary>
    public double[]? Bias { get; init; }

    /// <summary>The input's part in its gradient; null where it is not used.</summary>
    public double[]? Slope { get; init; }

    /// <summary>The constant part of the input's gradient; null where it is not used.</summary>
    public double[]? Intercept { get; init; }

    /// <summary>All numbers, rounded to the type in which the pass computes: the means of all channels, then the scales, and so on.</summary>
    /// <param name="order">The order of the channels.</param>
    /// <returns>The table; the caller's.</returns>
    public AlignedBuffer<T> Table<T>(ElementOrder order)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = Mean.Length;
        var table = new AlignedBuffer<T>(Count * channels, cleared: true);
        double[]?[] rows = [Mean, Scale, Bias, Slope, Intercept];
        for (int row = 0; row < rows.Length; row++)
        {
            for (int channel = 0; rows[row] is { } values && channel < channels; channel++)
            {
                table.Span[(row * channels) + order.Place(channel, channels)] = T.CreateTruncating(values[channel]);
            }
        }

        return table;
    }
}

/// <summary>Where a <see cref="ChannelConstants.Table{T}"/> lies.</summary>
/// <param name="start">Its first number.</param>
/// <param name="length">The length of a row: all channels.</param>
internal readonly unsafe struct ChannelTable<T>(T* start, int length)
    where T : unmanaged
{
    /// <summary>The number of a channel in a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T* At(int row, nint channel) => start + (row * (nint)length) + channel;

    /// <summary>Fills another table with the numbers of one channel.</summary>
    public void Spread(int channel, ChannelTable<T> to)
    {
        for (int row = 0; row < ChannelConstants.Count; row++)
        {
            new Span<T>(to.At(row, 0), to.Length).Fill(*At(row, channel));
        }
    }

    private int Length => length;
}

/// <summary>The <see cref="ChannelConstants"/> of a vector's elements, in registers.</summary>
internal readonly unsafe struct ChannelVectors<T, TLanes>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
    where TLanes : unmanaged, ILanes<T, TLanes>
{
    public readonly TLanes Mean;
    public readonly TLanes Scale;
    public readonly TLanes Bias;
    public readonly TLanes Slope;
    public readonly TLanes Intercept;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ChannelVectors(TLanes mean, TLanes scale, TLanes bias, TLanes slope, TLanes intercept) =>
        (Mean, Scale, Bias, Slope, Intercept) = (mean, scale, bias, slope, intercept);

    /// <summary>Those of neighbouring channels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ChannelVectors<T, TLanes> Neighbours(ChannelTable<T> table, nint channel) =>
        new(TLanes.Load(table.At(0, channel)), TLanes.Load(table.At(1, channel)), TLanes.Load(table.At(2, channel)), TLanes.Load(table.At(3, channel)), TLanes.Load(table.At(4, channel)));

    /// <summary>Those of one channel, in every element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ChannelVectors<T, TLanes> Same(ChannelTable<T> table, nint channel) => new(
        TLanes.Broadcast(*table.At(0, channel)),
        TLanes.Broadcast(*table.At(1, channel)),
        TLanes.Broadcast(*table.At(2, channel)),
        TLanes.Broadcast(*table.At(3, channel)),
        TLanes.Broadcast(*table.At(4, channel)));

    /// <summary>Batch norm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Normalize(TLanes x) => TLanes.MultiplyAdd(x - Mean, Scale, Bias);

    /// <summary>The input's gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes InputGradient(TLanes x, TLanes gradient) => TLanes.MultiplyAdd(gradient, Scale, TLanes.MultiplyAdd(x - Mean, Slope, Intercept));

    /// <summary>ReLU; what is not a number stays so.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Relu(TLanes y) => TLanes.WhereAboveZero(y, y);
}
