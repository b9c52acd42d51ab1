using System.Numerics;

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
