using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Winograd;

/// <summary>
/// Brings 3x3 filters to the points of the transform, G g Gᵀ: for each point a matrix of terms by results, in panels of
/// <see cref="MatrixKernel{TLanes}.Columns"/> results. And their gradient back.
/// </summary>
/// <typeparam name="TLanes">The vectors.</typeparam>
internal static unsafe class WinogradFilterPoints<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    private const int Taps = WinogradFilter.Taps;

    // Numbers of one filter that are turned at a time, so that those of a panel stay in the nearest cache.
    private const int Stretch = 32;

    private const int TermsAhead = 4;

    // Rows and columns that are turned at once.
    private const int Corner = 4;

    /// <summary>The layout of the matrices of some terms and results.</summary>
    /// <param name="terms">How many terms.</param>
    /// <param name="results">How many results.</param>
    public static PointMatrices Layout(int terms, int results) => PointMatrices.LayOutPanels(terms, results, MatrixKernel<TLanes>.Columns);

    /// <summary>Makes the matrices of some terms and results.</summary>
    /// <param name="filter">The filters.</param>
    /// <param name="firstTerm">The first term.</param>
    /// <param name="terms">How many terms.</param>
    /// <param name="firstResult">The first result.</param>
    /// <param name="results">How many results; a multiple of <see cref="WinogradShape.Channels"/>. The last panel may be narrower than the others.</param>
    /// <param name="matrices">Receives them.</param>
    /// <param name="layout">Their layout.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void Transform(WinogradFilter filter, int firstTerm, int terms, int firstResult, int results, float* matrices, PointMatrices layout, int threads)
    {
        nint to = (nint)matrices; // Lambdas cannot hold pointers.
        int columns = MatrixKernel<TLanes>.Columns;
        Parallelism.Run((results + columns - 1) / columns, threads, panel =>
        {
            int first = panel * columns, count = Math.Min(columns, results - first);
            float* result = (float*)to + ((long)first * terms);
            int inChannels = filter.InChannels;
            if (filter.IsTurned)
            {
                int lastTap = ((Taps * Taps) - 1) * inChannels;
                nint termStep = (nint)Taps * Taps * inChannels;
                Panel(filter.Weight + lastTap + (firstTerm * termStep) + firstResult + first, termStep, -inChannels, terms, count, result, layout.Point);
            }
            else
            {
                OutputPanel(filter.Weight + ((long)(firstResult + first) * Taps * Taps * inChannels) + firstTerm, inChannels, terms, count, result, layout.Point);
            }
        });
    }

    /// <summary>Gᵀ dU G: the gradient of filters from that at the points.</summary>
    /// <param name="gradient">A matrix of output channels by input channels for each point.</param>
    /// <param name="layout">The matrices' layout.</param>
    /// <param name="outChannels">Their output channels.</param>
    /// <param name="inChannels">C.</param>
    /// <param name="result">Receives [output channels, 3, 3, C].</param>
    /// <param name="threads">How many threads may work.</param>
    public static void Gradient(float* gradient, PointMatrices layout, int outChannels, int inChannels, float* result, int threads)
    {
        nint from = (nint)gradient, to = (nint)result;
        Parallelism.Run(outChannels, threads, k =>
        {
            int width = TLanes.Count;
            float* memory = stackalloc float[(Taps * WinogradShape.Window * width) + CacheLine.Floats], half = (float*)CacheLine.Align(memory);
            for (int channel = 0; channel < inChannels; channel += width)
            {
                float* points = (float*)from + (k * layout.Row) + channel;
                for (int x = 0; x < WinogradShape.Window; x++)
                {
                    WinogradPoints<TLanes>.FilterGradient(points + (x * layout.Point), WinogradShape.Window * layout.Point, half + (x * width), WinogradShape.Window * width);
                }

                float* row = (float*)to + ((long)k * Taps * Taps * inChannels) + channel;
                for (int y = 0; y < Taps; y++)
                {
                    WinogradPoints<TLanes>.FilterGradient(half + (y * WinogradShape.Window * width), width, row + (y * Taps * inChannels), inChannels);
                }
            }
        });
    }

    // Neighbours in memory are the input channels, neighbours in a vector the output channels.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void OutputPanel(float* filters, int inChannels, int terms, int columns, float* result, nint point)
    {
        nint size = (nint)Taps * Taps * inChannels;
        using var turned = new AlignedBuffer<float>((long)Taps * Taps * terms * columns);
        float* to = turned.Start;
        for (int tap = 0; tap < Taps * Taps; tap++, filters += inChannels)
        {
            for (int start = 0; start < terms; start += Stretch)
            {
                int count = Math.Min(Stretch, terms - start);
                for (int k = 0; k < columns; k += Corner)
                {
                    for (int row = k; row < k + Corner; row++)
                    {
                        Ask(filters + (row * size) + inChannels + start, Stretch); // The next tap's.
                    }

                    for (int i = 0; i < count; i += Corner)
                    {
                        Turn(filters + (k * size) + start + i, size, to + (i * columns) + k, columns);
                    }
                }

                to += count * columns;
            }
        }

        Panel(turned.Start, columns, (nint)terms * columns, terms, columns, result, point);
    }

    // to[i, k] = from[k, i], four of each.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Turn(float* from, nint fromRow, float* to, nint toRow)
    {
        Vector128<float> a = Vector128.Load(from), b = Vector128.Load(from + fromRow), c = Vector128.Load(from + (2 * fromRow)), d = Vector128.Load(from + (3 * fromRow));
        (Vector128<float> ab, Vector128<float> cd) = (Low(a, b), Low(c, d));
        Vector128.Create(ab.GetLower(), cd.GetLower()).Store(to);
        Vector128.Create(ab.GetUpper(), cd.GetUpper()).Store(to + toRow);
        (ab, cd) = (High(a, b), High(c, d));
        Vector128.Create(ab.GetLower(), cd.GetLower()).Store(to + (2 * toRow));
        Vector128.Create(ab.GetUpper(), cd.GetUpper()).Store(to + (3 * toRow));

        static Vector128<float> Low(Vector128<float> x, Vector128<float> y) => Sse.IsSupported ? Sse.UnpackLow(x, y) : Vector128.Create(x[0], y[0], x[1], y[1]);

        static Vector128<float> High(Vector128<float> x, Vector128<float> y) => Sse.IsSupported ? Sse.UnpackHigh(x, y) : Vector128.Create(x[2], y[2], x[3], y[3]);
    }

    // Asks for numbers that are read later; beyond the filters it only asks.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Ask(float* from, int count)
    {
        if (Sse.IsSupported)
        {
            for (int i = 0; i < count; i += CacheLine.Floats)
            {
                Sse.Prefetch1(from + i);
            }
        }
    }

    // The terms of one panel. A term's taps lie tapStep apart, in the order of the filter's rows.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Panel(float* filters, nint termStep, nint tapStep, int terms, int columns, float* result, nint point)
    {
        bool isFar = termStep > columns; // The processor does not foresee the jumps.
        int width = TLanes.Count;
        float* memory = stackalloc float[(Taps * WinogradShape.Window * width) + CacheLine.Floats], half = (float*)CacheLine.Align(memory);
        for (int term = 0; term < terms; term++, filters += termStep, result += columns)
        {
            for (int tap = 0; isFar && tap < Taps * Taps; tap++)
            {
                Ask(filters + (TermsAhead * termStep) + (tap * tapStep), columns);
            }

            for (int part = 0; part < columns; part += width)
            {
                for (int x = 0; x < Taps; x++)
                {
                    WinogradPoints<TLanes>.Filter(filters + part + (x * tapStep), Taps * tapStep, half + (x * width), Taps * width);
                }

                for (int y = 0; y < WinogradShape.Window; y++)
                {
                    WinogradPoints<TLanes>.Filter(half + (y * Taps * width), width, result + part + (y * WinogradShape.Window * point), point);
                }
            }
        }
    }
}
