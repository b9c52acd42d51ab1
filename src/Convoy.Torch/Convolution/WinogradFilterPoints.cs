using Convoy.Torch.Kernels;

namespace Convoy.Torch.Convolution;

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
            float* half = stackalloc float[Taps * WinogradShape.Window * width];
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
    private static void OutputPanel(float* filters, int inChannels, int terms, int columns, float* result, nint point)
    {
        nint size = (nint)Taps * Taps * inChannels;
        using var turned = new AlignedBuffer((long)Taps * Taps * terms * columns);
        float* to = turned.Start;
        for (int tap = 0; tap < Taps * Taps; tap++, filters += inChannels)
        {
            for (int start = 0; start < terms; start += Stretch)
            {
                int count = Math.Min(Stretch, terms - start);
                for (int k = 0; k < columns; k++)
                {
                    for (int i = 0; i < count; i++)
                    {
                        to[(i * columns) + k] = filters[(k * size) + start + i];
                    }
                }

                to += count * columns;
            }
        }

        Panel(turned.Start, columns, (nint)terms * columns, terms, columns, result, point);
    }

    // The terms of one panel. A term's taps lie tapStep apart, in the order of the filter's rows.
    private static void Panel(float* filters, nint termStep, nint tapStep, int terms, int columns, float* result, nint point)
    {
        int width = TLanes.Count;
        float* half = stackalloc float[Taps * WinogradShape.Window * width];
        for (int term = 0; term < terms; term++, filters += termStep, result += columns)
        {
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
