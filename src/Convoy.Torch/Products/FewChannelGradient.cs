using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Products;

/// <summary>
/// The weights' gradient of a convolution of images of few channels (<see cref="FewChannelWindows{T}"/>): for each row of the result one product of matrices, [R * S * C, positions] by
/// [positions, K], whose left matrix is spread from rows of the image that neighbouring rows of the result share.
/// </summary>
/// <typeparam name="T">The features' numbers.</typeparam>
/// <typeparam name="TElements">How they are packed and multiplied.</typeparam>
internal static unsafe class FewChannelGradient<T, TElements>
    where T : unmanaged
    where TElements : IBlockElements<T>
{
    private const int Block = 64;

    /// <summary>Computes the weights' gradient. Each slab of rows has sums of its own, which are added up in the order of the slabs.</summary>
    /// <param name="exports">Multiplies.</param>
    /// <param name="input">[N, H, W, C].</param>
    /// <param name="gradient">Of the result, [N, OutHeight, OutWidth, K]; K is a multiple of 16.</param>
    /// <param name="result">[K, R, S, C].</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void Compute(BlockProductExports exports, T* input, T* gradient, float* result, ConvolutionSizes shape, int threads)
    {
        (nint x, nint dy) = ((nint)input, (nint)gradient);
        FewChannelWindows<T> windows = new(shape);
        int weights = shape.KernelHeight * windows.Numbers, count = weights * shape.OutChannels;
        using var partial = new AlignedBuffer<float>((long)windows.Slabs * count);
        nint sums = (nint)partial.Start;
        Parallelism.Run(windows.Slabs, threads, slab => AddSlab(exports, windows, slab, (T*)x, (T*)dy, (float*)sums + ((nint)slab * count)));
        AddUp(partial.Start, count, windows.Slabs);
        for (int k = 0; k < shape.OutChannels; k++)
        {
            for (int weight = 0; weight < weights; weight++)
            {
                result[(k * weights) + weight] = partial.Start[(weight * shape.OutChannels) + k];
            }
        }
    }

    // The first slab's sums become those of all; their count is a multiple of 16.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddUp(float* sums, int count, int slabs)
    {
        for (int slab = 1; slab < slabs; slab++)
        {
            float* others = sums + ((nint)slab * count);
            for (int i = 0; i < count; i += Vector<float>.Count)
            {
                Unsafe.WriteUnaligned(sums + i, Unsafe.ReadUnaligned<Vector<float>>(sums + i) + Unsafe.ReadUnaligned<Vector<float>>(others + i));
            }
        }
    }

    private static void AddSlab(BlockProductExports exports, FewChannelWindows<T> windows, int slab, T* input, T* gradient, float* sums)
    {
        ConvolutionSizes shape = windows.Shape;
        (int image, int first, int rows) = windows.Slab(slab);
        int inputRows = windows.InputRows(rows), positions = windows.Positions, length = (shape.OutWidth + TElements.Together - 1) / TElements.Together * TElements.Together;
        using var spread = new AlignedBuffer<float>((((long)inputRows * windows.Numbers) + windows.NumberVectors) * positions);
        using var right = new AlignedBuffer<float>((long)length * Block);
        using var scratch = new AlignedBuffer<float>(Math.Max(windows.Line, shape.OutChannels));
        var table = new nint[positions];
        T* left = (T*)spread.Start, line = (T*)scratch.Start;
        fixed (nint* pointers = table)
        {
            for (int column = 0; column < positions; column++)
            {
                table[column] = (nint)(line + (column * windows.Stride));
            }

            for (int row = 0; row < inputRows; row++)
            {
                windows.ReadLine(input, image, first, row, line);

                // In whole vectors: what is too much lies where the next row comes.
                TElements.Transpose((T**)pointers, 0, windows.NumberVectors, positions, left + ((nint)row * windows.Numbers * positions), positions);
            }

            T* zeros = line;
            new Span<T>(zeros, shape.OutChannels).Clear();
            for (int row = 0; row < rows; row++)
            {
                T* dy = gradient + ((((nint)image * shape.OutHeight) + first + row) * shape.OutWidth * shape.OutChannels);
                for (int column = 0; column < length; column++)
                {
                    table[column] = (nint)(column < shape.OutWidth ? dy + ((nint)column * shape.OutChannels) : zeros);
                }

                for (int k = 0; k < shape.OutChannels; k += Block)
                {
                    int columns = Math.Min(Block, shape.OutChannels - k);
                    bool isRight = TElements.Together == 1;
                    if (!isRight)
                    {
                        TElements.PackRight((T**)pointers, k, columns, length, (T*)right.Start);
                    }

                    var size = new BlockProduct(shape.KernelHeight * windows.Numbers, columns, length, positions, isRight ? shape.OutChannels : columns, shape.OutChannels);
                    T* from = left + ((nint)row * shape.StrideHeight * windows.Numbers * positions);
                    TElements.Multiply(exports, size, from, isRight ? dy + k : (T*)right.Start, sums + k, add: row > 0);
                }
            }
        }

        TElements.Release(exports);
    }
}
