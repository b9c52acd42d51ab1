using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Products;

/// <summary>
/// The input's gradient of convolutions of 1x1 without padding: for each row of the result one product of matrices, [positions, K] by [K, C], of which only pixels that were used get something.
/// </summary>
/// <typeparam name="T">The features' numbers.</typeparam>
/// <typeparam name="TElements">How they are packed and multiplied.</typeparam>
internal static unsafe class PointProducts<T, TElements>
    where T : unmanaged
    where TElements : IBlockElements<T>
{
    private const int Block = 64;

    // Rows of the image that are computed by one thread.
    private const int SlabRows = 8;

    /// <summary>Computes the input's gradient; pixels between those that were used get zeros.</summary>
    /// <param name="exports">Multiplies.</param>
    /// <param name="gradient">Of the result, [N, OutHeight, OutWidth, K].</param>
    /// <param name="filter">As <see cref="PackFilter"/> makes it.</param>
    /// <param name="result">[N, H, W, C]; C is a multiple of 32.</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void InputGradient(BlockProductExports exports, T* gradient, T* filter, T* result, ConvolutionSizes shape, int threads)
    {
        (nint dy, nint w, nint dx) = ((nint)gradient, (nint)filter, (nint)result);
        int slabs = (shape.Height + SlabRows - 1) / SlabRows;
        Parallelism.Run(shape.Batch * slabs, threads, slab =>
        {
            (int image, int first) = (slab / slabs, slab % slabs * SlabRows);
            using var sums = new AlignedBuffer<float>((long)shape.OutWidth * Block);
            nint line = (nint)shape.Width * shape.InChannels, step = (nint)shape.StrideWidth * shape.InChannels;
            for (int y = first; y < Math.Min(first + SlabRows, shape.Height); y++)
            {
                T* to = (T*)dx + ((((nint)image * shape.Height) + y) * line);
                bool isUsed = y % shape.StrideHeight == 0 && y / shape.StrideHeight < shape.OutHeight;
                if (!isUsed || shape.StrideWidth > 1)
                {
                    new Span<T>(to, (int)line).Clear();
                }

                T* from = (T*)dy + ((((nint)image * shape.OutHeight) + (y / shape.StrideHeight)) * shape.OutWidth * shape.OutChannels);
                for (int c = 0; c < shape.InChannels && isUsed; c += Block)
                {
                    int columns = Math.Min(Block, shape.InChannels - c);
                    TElements.Multiply(exports, new BlockProduct(shape.OutWidth, columns, shape.OutChannels, shape.OutChannels, columns, columns), from, (T*)w + ((nint)c * shape.OutChannels), sums.Start, add: false);
                    TElements.Store(sums.Start, null, shape.OutWidth, columns, to + c, (int)step);
                }
            }

            TElements.Release(exports);
        });
    }

    /// <summary>The weights as <see cref="InputGradient"/> takes them: a right matrix [K, C] for each block of C.</summary>
    /// <param name="weight">[K, C].</param>
    /// <param name="shape">The sizes.</param>
    public static AlignedBuffer<float> PackFilter(T* weight, ConvolutionSizes shape)
    {
        var packed = new AlignedBuffer<float>((long)shape.OutChannels * shape.InChannels);
        var table = new nint[shape.OutChannels];
        for (int k = 0; k < table.Length; k++)
        {
            table[k] = (nint)(weight + ((nint)k * shape.InChannels));
        }

        fixed (nint* rows = table)
        {
            for (int c = 0; c < shape.InChannels; c += Block)
            {
                TElements.PackRight((T**)rows, c, Math.Min(Block, shape.InChannels - c), shape.OutChannels, (T*)packed.Start + ((nint)c * shape.OutChannels));
            }
        }

        return packed;
    }
}
