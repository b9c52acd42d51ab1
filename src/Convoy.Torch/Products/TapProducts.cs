using Convoy.Torch.Interop;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Products;

/// <summary>
/// The weights' gradient as one product of matrices for each tap of the filter, [K, positions] by [positions, C], over <see cref="TapSequences"/> that are packed once for all taps.
/// </summary>
/// <remarks>Some rows of the result are packed and multiplied at a time, so that what was packed is still in the second-level cache. Sums are float32, and their order is that of the positions.</remarks>
/// <typeparam name="T">The features' numbers.</typeparam>
/// <typeparam name="TElements">How they are packed and multiplied.</typeparam>
internal static unsafe class TapProducts<T, TElements>
    where T : unmanaged
    where TElements : IBlockElements<T>
{
    // Channels of a product: 64 by 64 sums fit into the first-level cache beside the operands.
    private const int Block = 64;

    // Positions of a product: two operands of that many positions by 64 channels of bfloat16 fill the first-level cache twice, and the sums' way there and back is short beside it.
    private const int ProductPositions = 512;

    // Positions that are packed at a time.
    private const int ChunkPositions = 1024;

    // A vector of positions, and a row of an AMX tile.
    private const int Step = 32;

    /// <summary>Computes the gradient.</summary>
    /// <param name="exports">Multiplies.</param>
    /// <param name="input">[N, H, W, C]; C is a multiple of 16.</param>
    /// <param name="gradient">Of the result, [N, OutHeight, OutWidth, K]; K is a multiple of 16.</param>
    /// <param name="result">[K, R, S, C].</param>
    /// <param name="shape">The sizes.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void WeightGradient(BlockProductExports exports, T* input, T* gradient, float* result, ConvolutionSizes shape, int threads)
    {
        var sequences = new TapSequences(shape);
        int parts = ((shape.OutHeight * sequences.Pitch) + ChunkPositions - 1) / ChunkPositions, rows = (shape.OutHeight + parts - 1) / parts;
        parts = (shape.OutHeight + rows - 1) / rows;
        int segments = parts * shape.Batch, together = Math.Min(segments, Math.Max(threads, (ChunkPositions + (rows * sequences.Pitch) - 1) / (rows * sequences.Pitch)));
        var layout = new Layout(shape, sequences, rows);
        using var buffer = new AlignedBuffer<float>(((layout.Bytes * together) + layout.ZeroBytes) / sizeof(float));
        nint start = (nint)buffer.Start, zeros = start + (nint)(layout.Bytes * together), x = (nint)input, dy = (nint)gradient, sums = (nint)result;
        new Span<byte>((void*)zeros, layout.ZeroBytes).Clear();
        int kBlocks = (shape.OutChannels + Block - 1) / Block, cBlocks = (shape.InChannels + Block - 1) / Block;
        for (int first = 0; first < segments; first += together)
        {
            (int begin, int count) = (first, Math.Min(together, segments - first));
            Segment At(int index) => new((begin + index) / parts, (begin + index) % parts * rows, Math.Min(rows, shape.OutHeight - ((begin + index) % parts * rows)), start + (nint)(layout.Bytes * index));
            Parallelism.Run(count, threads, index => Pack(layout, At(index), (T*)x, (T*)dy, (T*)zeros));
            Parallelism.Run(kBlocks * cBlocks * shape.KernelHeight, threads, piece =>
            {
                int row = piece % shape.KernelHeight, block = piece / shape.KernelHeight;
                int k = block / cBlocks * Block, c = block % cBlocks * Block;
                for (int tap = row * shape.KernelWidth; tap < (row + 1) * shape.KernelWidth; tap++)
                {
                    for (int index = 0; index < count; index++)
                    {
                        Multiply(exports, layout, At(index), tap, k, c, (float*)sums, add: begin + index > 0);
                    }
                }

                TElements.Release(exports);
            });
        }
    }

    private static void Pack(Layout layout, Segment segment, T* input, T* gradient, T* zeros)
    {
        ConvolutionSizes shape = layout.Shape;
        var table = new Span<nint>((void*)(segment.Start + (nint)layout.TableStart), layout.TableLength);
        fixed (nint* rows = table)
        {
            layout.Sequences.FindResults(gradient, zeros, segment.Image, segment.First, segment.Rows, table[..layout.Positions]);
            for (int k = 0; k < shape.OutChannels; k += Block)
            {
                TElements.Transpose((T**)rows, k, Math.Min(Block, shape.OutChannels - k), layout.Positions, (T*)segment.Start + ((nint)k * layout.Positions), layout.Positions);
            }

            for (int plane = 0; plane < layout.Sequences.Planes; plane++)
            {
                layout.Sequences.FindInputs(input, zeros, plane, segment.Image, segment.First, segment.Rows, table);
                for (int shift = 0; shift < TElements.Together; shift++)
                {
                    for (int c = 0; c < shape.InChannels && layout.IsUsed(plane, shift); c += Block)
                    {
                        TElements.PackRight((T**)rows + shift, c, Math.Min(Block, shape.InChannels - c), layout.InputPositions, (T*)segment.Start + layout.Input(plane, shift, c));
                    }
                }
            }
        }
    }

    private static void Multiply(BlockProductExports exports, Layout layout, Segment segment, int tap, int k, int c, float* sums, bool add)
    {
        ConvolutionSizes shape = layout.Shape;
        (int plane, int begin) = layout.Sequences.Taps[tap];
        int rows = Math.Min(Block, shape.OutChannels - k), columns = Math.Min(Block, shape.InChannels - c), shift = begin % TElements.Together, taps = shape.KernelHeight * shape.KernelWidth;
        T* left = (T*)segment.Start + ((nint)k * layout.Positions), right = (T*)segment.Start + layout.Input(plane, shift, c) + ((nint)(begin - shift) * columns);
        float* to = sums + ((((nint)k * taps) + tap) * shape.InChannels) + c;
        int length = RoundUp(layout.Sequences.Length(segment.Rows), TElements.Together), products = (length + ProductPositions - 1) / ProductPositions, step = RoundUp((length + products - 1) / products, Step);
        for (int at = 0; at < length; at += step, add = true)
        {
            var size = new BlockProduct(rows, columns, Math.Min(step, length - at), layout.Positions, columns, taps * shape.InChannels);
            TElements.Multiply(exports, size, left + at, right + ((nint)at * columns), to, add);
        }
    }

    private static int RoundUp(int count, int multiple) => (count + multiple - 1) / multiple * multiple;

    /// <summary>Some rows of the result of one image, and where they are packed.</summary>
    private readonly record struct Segment(int Image, int First, int Rows, nint Start);

    /// <summary>How a segment is packed: the result's gradient, [K, positions], the planes of the input, once for each shift that taps need, and a table of pointers.</summary>
    private sealed class Layout
    {
        private readonly nint[] _inputs;

        public Layout(in ConvolutionSizes shape, TapSequences sequences, int rows)
        {
            (Shape, Sequences) = (shape, sequences);
            Positions = RoundUp(sequences.Length(rows), Step);
            InputPositions = RoundUp(sequences.InputLength(Positions), TElements.Together);
            _inputs = new nint[sequences.Planes * TElements.Together];
            Array.Fill(_inputs, -1);
            nint next = (nint)shape.OutChannels * Positions;
            foreach ((int plane, int start) in sequences.Taps)
            {
                ref nint at = ref _inputs[(plane * TElements.Together) + (start % TElements.Together)];
                if (at < 0)
                {
                    at = next;
                    next += RoundUp(InputPositions * shape.InChannels, Step);
                }
            }

            TableStart = (long)next * sizeof(T);
            TableLength = InputPositions + TElements.Together;
            Bytes = (TableStart + ((long)TableLength * sizeof(nint)) + 127) / 64 * 64;
            ZeroBytes = Math.Max(shape.InChannels, shape.OutChannels) * sizeof(T);
        }

        public ConvolutionSizes Shape { get; }

        public TapSequences Sequences { get; }

        /// <summary>Positions of the result.</summary>
        public int Positions { get; }

        /// <summary>Positions of a plane.</summary>
        public int InputPositions { get; }

        public long TableStart { get; }

        public int TableLength { get; }

        public long Bytes { get; }

        public int ZeroBytes { get; }

        public bool IsUsed(int plane, int shift) => _inputs[(plane * TElements.Together) + shift] >= 0;

        public nint Input(int plane, int shift, int channel) => _inputs[(plane * TElements.Together) + shift] + ((nint)channel * InputPositions);
    }
}
