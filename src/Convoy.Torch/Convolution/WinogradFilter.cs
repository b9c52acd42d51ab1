using System.Numerics;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Convolution;

/// <summary>
/// Brings 3x3 filters to the points of the transform, G g Gᵀ: for each point a matrix of terms by results, in panels of
/// <see cref="MatrixKernel.Columns"/> results.
/// </summary>
internal sealed unsafe class WinogradFilter
{
    /// <summary>Rows and columns of a filter.</summary>
    public const int Taps = 3;

    // Numbers of one filter that are turned at a time, so that those of a panel stay in the nearest cache.
    private const int Stretch = 32;

    private readonly float* _weight;
    private readonly int _outChannels;
    private readonly int _inChannels;
    private readonly bool _turned;

    private WinogradFilter(float* weight, int outChannels, int inChannels, bool turned)
    {
        _weight = weight;
        (_outChannels, _inChannels, _turned) = (outChannels, inChannels, turned);
    }

    /// <summary>Channels that are added up.</summary>
    public int Terms => _turned ? _outChannels : _inChannels;

    /// <summary>Channels of the result.</summary>
    public int Results => _turned ? _inChannels : _outChannels;

    /// <summary>Those of the convolution: results are the output channels K, terms the input channels C.</summary>
    /// <param name="weight">[K, 3, 3, C].</param>
    /// <param name="outChannels">K.</param>
    /// <param name="inChannels">C.</param>
    public static WinogradFilter ForOutput(float* weight, int outChannels, int inChannels) => new(weight, outChannels, inChannels, turned: false);

    /// <summary>Those of the input's gradient, a convolution of the output's with the filters turned by 180 degrees: results are the input channels C, terms the output channels K.</summary>
    /// <inheritdoc cref="ForOutput"/>
    public static WinogradFilter ForInputGradient(float* weight, int outChannels, int inChannels) => new(weight, outChannels, inChannels, turned: true);

    /// <summary>The layout of the matrices of some results.</summary>
    /// <param name="results">How many.</param>
    public PointMatrices Layout(int results) => PointMatrices.LayOutPanels(Terms, results, MatrixKernel.Columns);

    /// <summary>Makes the matrices of some results.</summary>
    /// <param name="first">The first result.</param>
    /// <param name="count">How many results.</param>
    /// <param name="matrices">Receives them.</param>
    /// <param name="layout">Their layout.</param>
    /// <param name="threads">How many threads may work.</param>
    public void Transform(int first, int count, float* matrices, PointMatrices layout, int threads)
    {
        nint to = (nint)matrices; // Lambdas cannot hold pointers.
        int columns = MatrixKernel.Columns;
        Parallelism.Run(count / columns, threads, panel =>
        {
            float* result = (float*)to + ((long)panel * Terms * columns);
            if (_turned)
            {
                int lastTap = ((Taps * Taps) - 1) * _inChannels;
                Panel(_weight + lastTap + first + (panel * columns), (nint)Taps * Taps * _inChannels, -_inChannels, result, layout);
            }
            else
            {
                OutputPanel(_weight + ((long)(first + (panel * columns)) * Taps * Taps * _inChannels), result, layout);
            }
        });
    }

    /// <summary>Gᵀ dU G: the gradient of filters from that at the points.</summary>
    /// <param name="gradient">A matrix of output channels by input channels for each point.</param>
    /// <param name="layout">The matrices' layout.</param>
    /// <param name="outChannels">Their output channels.</param>
    /// <param name="inChannels">C.</param>
    /// <param name="result">[output channels, 3, 3, C].</param>
    /// <param name="add">Whether to add to what is there.</param>
    /// <param name="threads">How many threads may work.</param>
    public static void Gradient(float* gradient, PointMatrices layout, int outChannels, int inChannels, float* result, bool add, int threads)
    {
        nint from = (nint)gradient, to = (nint)result;
        Parallelism.Run(outChannels, threads, k =>
        {
            int width = Vector<float>.Count;
            float* half = stackalloc float[Taps * WinogradShape.Window * width];
            float* taps = stackalloc float[Taps * width];
            for (int channel = 0; channel < inChannels; channel += width)
            {
                float* points = (float*)from + (k * layout.Row) + channel;
                for (int x = 0; x < WinogradShape.Window; x++)
                {
                    WinogradPoints.FilterGradient(points + (x * layout.Point), WinogradShape.Window * layout.Point, half + (x * width), WinogradShape.Window * width);
                }

                float* row = (float*)to + ((long)k * Taps * Taps * inChannels) + channel;
                for (int y = 0; y < Taps; y++, row += Taps * inChannels)
                {
                    WinogradPoints.FilterGradient(half + (y * WinogradShape.Window * width), width, add ? taps : row, add ? width : inChannels);
                    for (int x = 0; add && x < Taps; x++)
                    {
                        *(Vector<float>*)(row + (x * inChannels)) += *(Vector<float>*)(taps + (x * width));
                    }
                }
            }
        });
    }

    // Neighbours in memory are the input channels, neighbours in a vector the output channels.
    private void OutputPanel(float* filters, float* result, PointMatrices layout)
    {
        int columns = MatrixKernel.Columns, size = Taps * Taps * _inChannels;
        using var turned = new AlignedBuffer((long)size * columns);
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

        Panel(turned.Start, columns, (nint)_inChannels * columns, result, layout);
    }

    // The terms of one panel. A term's taps lie tapStep apart, in the order of the filter's rows.
    private void Panel(float* filters, nint termStep, nint tapStep, float* result, PointMatrices layout)
    {
        int width = Vector<float>.Count, columns = MatrixKernel.Columns;
        float* half = stackalloc float[Taps * WinogradShape.Window * Vector<float>.Count];
        for (int term = 0; term < Terms; term++)
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
