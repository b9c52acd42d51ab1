using System.Globalization;
using static TorchSharp.torch;

namespace Convoy.Torch.Convolution;

/// <summary>The sizes of a two-dimensional convolution of one group, without dilation, whose padding is zeros: [N, C, H, W] with filters [K, C, R, S].</summary>
/// <param name="Batch">N.</param>
/// <param name="InChannels">C.</param>
/// <param name="Height">H.</param>
/// <param name="Width">W.</param>
/// <param name="OutChannels">K.</param>
/// <param name="KernelHeight">R.</param>
/// <param name="KernelWidth">S.</param>
/// <param name="StrideHeight">Rows from one result to the next.</param>
/// <param name="StrideWidth">Columns from one result to the next.</param>
/// <param name="PaddingHeight">Rows of zeros above and below.</param>
/// <param name="PaddingWidth">Columns of zeros left and right.</param>
public readonly record struct ConvolutionShape(
    int Batch, int InChannels, int Height, int Width, int OutChannels, int KernelHeight, int KernelWidth, int StrideHeight, int StrideWidth, int PaddingHeight, int PaddingWidth)
{
    /// <summary>Rows of the result.</summary>
    public int OutHeight => ((Height + (2 * PaddingHeight) - KernelHeight) / StrideHeight) + 1;

    /// <summary>Columns of the result.</summary>
    public int OutWidth => ((Width + (2 * PaddingWidth) - KernelWidth) / StrideWidth) + 1;

    /// <summary>Floating-point operations of one pass by the plain sum, a multiplication and an addition counted as two.</summary>
    public double Flops => 2.0 * Batch * OutHeight * OutWidth * OutChannels * InChannels * KernelHeight * KernelWidth;

    /// <summary>Filters of 3x3, stride 1, padding 1.</summary>
    public bool IsSame3X3 => (KernelHeight, KernelWidth, StrideHeight, StrideWidth, PaddingHeight, PaddingWidth) == (3, 3, 1, 1, 1, 1);

    internal long[] Strides => [StrideHeight, StrideWidth];

    internal long[] Paddings => [PaddingHeight, PaddingWidth];

    /// <summary>The sizes of a convolution of tensors.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <param name="weight">[K, C, R, S].</param>
    /// <param name="strides">Rows, columns.</param>
    /// <param name="paddings">Rows, columns.</param>
    internal static ConvolutionShape Of(Tensor input, Tensor weight, ReadOnlySpan<long> strides, ReadOnlySpan<long> paddings)
    {
        (long[] i, long[] w) = (input.shape, weight.shape);
        return new ConvolutionShape((int)i[0], (int)i[1], (int)i[2], (int)i[3], (int)w[0], (int)w[2], (int)w[3], (int)strides[0], (int)strides[1], (int)paddings[0], (int)paddings[1]);
    }

    /// <summary>In words: <c>4x64x90x200 to 64, 3x3</c>, with what differs from stride 1 and a padding of half the filter.</summary>
    public override string ToString()
    {
        string stride = (StrideHeight, StrideWidth) == (1, 1) ? "" : string.Create(CultureInfo.InvariantCulture, $", stride {(StrideHeight == StrideWidth ? StrideHeight : $"{StrideHeight}x{StrideWidth}")}");
        string padding = (PaddingHeight, PaddingWidth) == (KernelHeight / 2, KernelWidth / 2) ? "" : string.Create(CultureInfo.InvariantCulture, $", padding {(PaddingHeight == PaddingWidth ? PaddingHeight : $"{PaddingHeight}x{PaddingWidth}")}");
        return string.Create(CultureInfo.InvariantCulture, $"{Batch}x{InChannels}x{Height}x{Width} to {OutChannels}, {KernelHeight}x{KernelWidth}{stride}{padding}");
    }
}
