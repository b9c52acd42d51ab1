using System.Numerics;
using System.Runtime.CompilerServices;

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
    public T[] Table<T>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int channels = Mean.Length;
        T[] table = new T[Count * channels];
        double[]?[] rows = [Mean, Scale, Bias, Slope, Intercept];
        for (int row = 0; row < rows.Length; row++)
        {
            for (int channel = 0; rows[row] is { } values && channel < channels; channel++)
            {
                table[(row * channels) + channel] = T.CreateTruncating(values[channel]);
            }
        }

        return table;
    }
}

/// <summary>The <see cref="ChannelConstants"/> of a vector's elements, in registers.</summary>
internal readonly unsafe struct ChannelVectors<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public readonly Vector<T> Mean;
    public readonly Vector<T> Scale;
    public readonly Vector<T> Bias;
    public readonly Vector<T> Slope;
    public readonly Vector<T> Intercept;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ChannelVectors(Vector<T> mean, Vector<T> scale, Vector<T> bias, Vector<T> slope, Vector<T> intercept) =>
        (Mean, Scale, Bias, Slope, Intercept) = (mean, scale, bias, slope, intercept);

    /// <summary>Those of neighbouring channels.</summary>
    /// <param name="table">The first channel's place in a <see cref="ChannelConstants.Table{T}"/>.</param>
    /// <param name="channels">All channels: the length of a row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ChannelVectors<T> Neighbours(T* table, int channels) => new(
        Unsafe.ReadUnaligned<Vector<T>>(table),
        Unsafe.ReadUnaligned<Vector<T>>(table + channels),
        Unsafe.ReadUnaligned<Vector<T>>(table + (2 * channels)),
        Unsafe.ReadUnaligned<Vector<T>>(table + (3 * channels)),
        Unsafe.ReadUnaligned<Vector<T>>(table + (4 * channels)));

    /// <summary>Those of one channel, in every element.</summary>
    /// <inheritdoc cref="Neighbours"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ChannelVectors<T> Same(T* table, int channels) =>
        new(new(table[0]), new(table[channels]), new(table[2 * channels]), new(table[3 * channels]), new(table[4 * channels]));

    /// <summary>Batch norm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> Normalize(Vector<T> x) => ((x - Mean) * Scale) + Bias;

    /// <summary>The input's gradient.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector<T> InputGradient(Vector<T> x, Vector<T> gradient) => (gradient * Scale) + ((x - Mean) * Slope) + Intercept;

    /// <summary>ReLU; what is not a number stays so.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Relu(Vector<T> y) => Vector.ConditionalSelect(Vector.LessThanOrEqual(y, Vector<T>.Zero), Vector<T>.Zero, y);

    /// <summary>ReLU's gradient: 0 where its input (or output) <paramref name="y"/> is not above 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Mask(Vector<T> y, Vector<T> gradient) => Vector.ConditionalSelect(Vector.LessThanOrEqual(y, Vector<T>.Zero), Vector<T>.Zero, gradient);
}
