using System.Numerics;
using Convoy.Distributed.Kernels;

namespace Convoy.Lanes.Convolution;

/// <summary>
/// Brings 3x3 filters to the points of the transform, G g Gᵀ: for each point a matrix of terms by results, in panels of
/// <see cref="MatrixKernel.Columns"/> results.
/// </summary>
internal static unsafe class WinogradFilter
{
    private const int Taps = 3;

    // Numbers of one filter that are turned at a time, so that those of a panel stay in the nearest cache.
    private const int Stretch = 32;

    /// <summary>The layout of the matrices.</summary>
    /// <param name="terms">Channels that are added up.</param>
    /// <param name="results">Channels of the result.</param>
    public static PointMatrices Layout(int terms, int results) => PointMatrices.OfPanels(terms, results, MatrixKernel.Columns);

    /// <summary>For the convolution: results are the output channels K, terms the input channels C.</summary>
    /// <param name="weight">[K, 3, 3, C].</param>
    /// <param name="outChannels">K.</param>
    /// <param name="inChannels">C.</param>
    /// <param name="result">Receives the matrices.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void ForOutput(float* weight, int outChannels, int inChannels, float* result, int threads)
    {
        nint from = (nint)weight, to = (nint)result;
        int columns = MatrixKernel.Columns, panels = outChannels / columns, size = Taps * Taps * inChannels;
        Parallelism.Run(panels, threads, panel =>
        {
            // Neighbours in memory are the input channels, neighbours in a vector the output channels.
            using var turned = new AlignedBuffer((long)size * columns);
            float* filters = (float*)from + ((long)panel * columns * size);
            for (int start = 0; start < size; start += Stretch)
            {
                int end = Math.Min(size, start + Stretch);
                for (int k = 0; k < columns; k++)
                {
                    for (int i = start; i < end; i++)
                    {
                        turned.Start[(i * columns) + k] = filters[(k * size) + i];
                    }
                }
            }

            Panel(turned.Start, inChannels, columns, (nint)inChannels * columns, (float*)to + ((long)panel * inChannels * columns), Layout(inChannels, outChannels));
        });
    }

    /// <summary>For the input's gradient, a convolution of the output's with the filters turned by 180 degrees: results are the input channels C, terms the output channels K.</summary>
    /// <inheritdoc cref="ForOutput"/>
    public static void ForInputGradient(float* weight, int outChannels, int inChannels, float* result, int threads)
    {
        nint from = (nint)weight, to = (nint)result;
        int columns = MatrixKernel.Columns, panels = inChannels / columns, lastTap = ((Taps * Taps) - 1) * inChannels;
        Parallelism.Run(panels, threads, panel =>
            Panel(
                (float*)from + lastTap + (panel * columns), outChannels, (nint)Taps * Taps * inChannels, -inChannels, (float*)to + ((long)panel * outChannels * columns), Layout(outChannels, inChannels)));
    }

    /// <summary>Gᵀ dU G: the gradient of the filters from that at the points.</summary>
    /// <param name="gradient">A matrix of K by C for each point.</param>
    /// <param name="layout">The matrices' layout.</param>
    /// <param name="outChannels">K.</param>
    /// <param name="inChannels">C.</param>
    /// <param name="result">[K, 3, 3, C].</param>
    /// <param name="threads">How many threads may work.</param>
    public static void Gradient(float* gradient, PointMatrices layout, int outChannels, int inChannels, float* result, int threads)
    {
        nint from = (nint)gradient, to = (nint)result;
        Parallelism.Run(outChannels, threads, k =>
        {
            int width = Vector<float>.Count;
            float* half = stackalloc float[Taps * WinogradShape.Window * width];
            for (int channel = 0; channel < inChannels; channel += width)
            {
                float* points = (float*)from + (k * layout.Row) + channel;
                for (int x = 0; x < WinogradShape.Window; x++)
                {
                    WinogradPoints.FilterGradient(points + (x * layout.Point), WinogradShape.Window * layout.Point, half + (x * width), WinogradShape.Window * width);
                }

                for (int y = 0; y < Taps; y++)
                {
                    float* row = (float*)to + ((((long)k * Taps) + y) * Taps * inChannels) + channel;
                    WinogradPoints.FilterGradient(half + (y * WinogradShape.Window * width), width, row, inChannels);
                }
            }
        });
    }

    // The terms of one panel. A term's taps lie tapStep apart, in the order of the filter's rows.
    private static void Panel(float* filters, int terms, nint termStep, nint tapStep, float* result, PointMatrices layout)
    {
        int width = Vector<float>.Count, columns = MatrixKernel.Columns;
        float* half = stackalloc float[Taps * WinogradShape.Window * Vector<float>.Count];
        for (int term = 0; term < terms; term++)
        {
            for (int part = 0; part < columns; part += width)
            {
                float* taps = filters + (term * termStep) + part;
                for (int x = 0; x < Taps; x++)
                {
                    WinogradPoints.Filter(taps + (x * tapStep), Taps * tapStep, half + (x * width), Taps * width);
                }

                float* to = result + (term * layout.Row) + part;
                for (int y = 0; y < WinogradShape.Window; y++)
                {
                    WinogradPoints.Filter(half + (y * Taps * width), width, to + (y * WinogradShape.Window * layout.Point), layout.Point);
                }
            }
        }
    }
}
