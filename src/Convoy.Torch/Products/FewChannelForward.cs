using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Products;

/// <summary>
/// Convolutions of bfloat16 images of few channels (<see cref="FewChannelWindows{T}"/>): for each row of the filter one product of matrices, [positions, S * C] by [S * C, K], whose left
/// matrix is the image itself, as windows may overlap. Sums are float32, and rounded once.
/// </summary>
internal static unsafe class FewChannelForward
{
    private const int Block = 64;

    /// <summary>Convolves.</summary>
    /// <param name="exports">Multiplies.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="filter">As <see cref="PackFilter"/> makes it.</param>
    /// <param name="bias">[K], which is added; null for none.</param>
    /// <param name="result">[N, OutHeight, OutWidth, K]; K is a multiple of 32.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void Convolve(BlockProductExports exports, ushort* input, ushort* filter, float* bias, ushort* result, ConvolutionSizes shape, int threads)
    {
        (nint x, nint w, nint shift, nint y) = ((nint)input, (nint)filter, (nint)bias, (nint)result);
        FewChannelWindows<ushort> windows = new(shape);
        int length = Length(windows);
        Parallelism.Run(windows.Slabs, threads, slab =>
        {
            (int image, int first, int rows) = windows.Slab(slab);
            using var lines = new AlignedBuffer<float>(windows.InputRows(rows) * (long)windows.Line);
            using var sums = new AlignedBuffer<float>((long)shape.OutWidth * Block);
            for (int row = 0; row < windows.InputRows(rows); row++)
            {
                windows.ReadLine((ushort*)x, image, first, row, (ushort*)lines.Start + ((nint)row * windows.Line));
            }

            for (int row = 0; row < rows; row++)
            {
                ushort* from = (ushort*)lines.Start + ((nint)row * shape.StrideHeight * windows.Line);
                ushort* to = (ushort*)y + ((((nint)image * shape.OutHeight) + first + row) * shape.OutWidth * shape.OutChannels);
                for (int k = 0; k < shape.OutChannels; k += Block)
                {
                    int columns = Math.Min(Block, shape.OutChannels - k);
                    var size = new BlockProduct(shape.OutWidth, columns, length, windows.Stride, columns, columns);
                    for (int tap = 0; tap < shape.KernelHeight; tap++)
                    {
                        ushort* right = (ushort*)w + ((nint)length * ((shape.KernelHeight * k) + (tap * columns)));
                        exports.Multiply(size, from + ((nint)tap * windows.Line), right, sums.Start, add: tap > 0);
                    }

                    BFloat16BlockElements.Store(sums.Start, shift == 0 ? null : (float*)shift + k, shape.OutWidth, columns, to + k, shape.OutChannels);
                }
            }

            exports.Release();
        });
    }

    /// <summary>The weights as <see cref="Convolve"/> takes them: for each block of K, for each row of the filter, a right matrix [S * C, K].</summary>
    /// <param name="weight">[K, R, S, C].</param>
    /// <param name="shape">The sizes.</param>
    public static AlignedBuffer<float> PackFilter(float* weight, in ConvolutionSizes shape)
    {
        FewChannelWindows<ushort> windows = new(shape);
        int length = Length(windows), count = length * shape.KernelHeight * shape.OutChannels;
        var packed = new AlignedBuffer<float>(count / 2);
        ushort* to = (ushort*)packed.Start;
        new Span<ushort>(to, count).Clear();
        for (int k = 0; k < shape.OutChannels; k++)
        {
            int block = k / Block * Block, columns = Math.Min(Block, shape.OutChannels - block);
            for (int tap = 0; tap < shape.KernelHeight; tap++)
            {
                ushort* matrix = to + (length * ((shape.KernelHeight * block) + (tap * columns)));
                for (int number = 0; number < windows.Numbers; number++, weight++)
                {
                    matrix[(((number / 2 * columns) + k - block) * 2) + (number % 2)] = BFloat16Conversion.Narrow(*weight);
                }
            }
        }

        return packed;
    }

    // Sums have an even length; the weights of a number too much are zeros.
    private static int Length(FewChannelWindows<ushort> windows) => (windows.Numbers + 1) / 2 * 2;
}
