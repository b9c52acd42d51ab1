using System.Runtime.CompilerServices;
using Convoy.Torch.Kernels;

namespace Convoy.Torch.Winograd;

/// <summary>
/// The one-dimensional transforms of Winograd's F(4, 3): four results of a filter of three taps from six products, where the plain sum needs
/// twelve. Each takes a vector for every number, so a vector's worth of channels goes through at once.
/// </summary>
/// <remarks>
/// In Lavin's notation, y = Aᵀ[(G g) ⊙ (Bᵀ d)], with the interpolation points 0, ±a, ±b and infinity. The usual integers a = 1, b = 2 round several
/// times as much as a = 5/8, b = 3/2, whose powers are nearer to one, and which float32 holds exactly, with their squares. Source: Lavin and Gray, "Fast
/// Algorithms for Convolutional Neural Networks", 2016; Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution
/// for Deep Neural Networks", 2020.
/// </remarks>
/// <typeparam name="TLanes">The vectors.</typeparam>
internal static unsafe class WinogradPoints<TLanes>
    where TLanes : unmanaged, ILanes<TLanes>
{
    private const float A = 0.625f;
    private const float B = 1.5f;
    private const float A2 = A * A;
    private const float B2 = B * B;

    // One over the product of a point's distances to the other finite ones.
    private const float ScaleZero = 1 / (A2 * B2);
    private const float ScaleA = 1 / (2 * A2 * (A2 - B2));
    private const float ScaleB = 1 / (2 * B2 * (B2 - A2));

    /// <summary>Bᵀ d: six inputs at the six points.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Input(TLanes d0, TLanes d1, TLanes d2, TLanes d3, TLanes d4, TLanes d5, float* to, nint step)
    {
        TLanes sum = TLanes.Broadcast(-(A2 + B2)), product = TLanes.Broadcast(A2 * B2), minusB2 = TLanes.Broadcast(-B2), minusA2 = TLanes.Broadcast(-A2);
        TLanes evenA = Fma(minusB2, d2, d4), oddA = Fma(minusB2, d1, d3);
        TLanes evenB = Fma(minusA2, d2, d4), oddB = Fma(minusA2, d1, d3);
        Store(to, Fma(product, d0, Fma(sum, d2, d4)));
        Store(to + step, Fma(TLanes.Broadcast(A), oddA, evenA));
        Store(to + (2 * step), Fma(TLanes.Broadcast(-A), oddA, evenA));
        Store(to + (3 * step), Fma(TLanes.Broadcast(B), oddB, evenB));
        Store(to + (4 * step), Fma(TLanes.Broadcast(-B), oddB, evenB));
        Store(to + (5 * step), Fma(product, d1, Fma(sum, d3, d5)));
    }

    /// <summary>Aᵀ m: four results from six products, which lie <paramref name="fromStep"/> apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Output(float* from, nint fromStep, float* to, nint step)
    {
        TLanes m1 = At(from + fromStep), m2 = At(from + (2 * fromStep)), m3 = At(from + (3 * fromStep)), m4 = At(from + (4 * fromStep));
        TLanes evenA = m1 + m2, oddA = m1 - m2, evenB = m3 + m4, oddB = m3 - m4;
        Store(to, At(from) + evenA + evenB);
        Store(to + step, Fma(TLanes.Broadcast(B), oddB, TLanes.Broadcast(A) * oddA));
        Store(to + (2 * step), Fma(TLanes.Broadcast(B2), evenB, TLanes.Broadcast(A2) * evenA));
        Store(to + (3 * step), Fma(TLanes.Broadcast(B2 * B), oddB, Fma(TLanes.Broadcast(A2 * A), oddA, At(from + (5 * fromStep)))));
    }

    /// <summary>A y, the transpose of <see cref="Output"/>: four gradients of results at the six points.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void OutputGradient(TLanes y0, TLanes y1, TLanes y2, TLanes y3, float* to, nint step)
    {
        TLanes evenA = Fma(TLanes.Broadcast(A2), y2, y0), oddA = Fma(TLanes.Broadcast(A2 * A), y3, TLanes.Broadcast(A) * y1);
        TLanes evenB = Fma(TLanes.Broadcast(B2), y2, y0), oddB = Fma(TLanes.Broadcast(B2 * B), y3, TLanes.Broadcast(B) * y1);
        Store(to, y0);
        Store(to + step, evenA + oddA);
        Store(to + (2 * step), evenA - oddA);
        Store(to + (3 * step), evenB + oddB);
        Store(to + (4 * step), evenB - oddB);
        Store(to + (5 * step), y3);
    }

    /// <summary>G g: three taps, which lie <paramref name="fromStep"/> apart, at the six points.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Filter(float* from, nint fromStep, float* to, nint step)
    {
        TLanes g0 = At(from), g1 = At(from + fromStep), g2 = At(from + (2 * fromStep));
        TLanes evenA = TLanes.Broadcast(ScaleA) * Fma(TLanes.Broadcast(A2), g2, g0), oddA = TLanes.Broadcast(ScaleA * A) * g1;
        TLanes evenB = TLanes.Broadcast(ScaleB) * Fma(TLanes.Broadcast(B2), g2, g0), oddB = TLanes.Broadcast(ScaleB * B) * g1;
        Store(to, TLanes.Broadcast(ScaleZero) * g0);
        Store(to + step, evenA + oddA);
        Store(to + (2 * step), evenA - oddA);
        Store(to + (3 * step), evenB + oddB);
        Store(to + (4 * step), evenB - oddB);
        Store(to + (5 * step), g2);
    }

    /// <summary>Gᵀ u, the transpose of <see cref="Filter"/>: gradients at the six points, which lie <paramref name="fromStep"/> apart, as those of three taps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FilterGradient(float* from, nint fromStep, float* to, nint step)
    {
        TLanes u1 = At(from + fromStep), u2 = At(from + (2 * fromStep)), u3 = At(from + (3 * fromStep)), u4 = At(from + (4 * fromStep));
        TLanes evenA = TLanes.Broadcast(ScaleA) * (u1 + u2), evenB = TLanes.Broadcast(ScaleB) * (u3 + u4);
        Store(to, Fma(TLanes.Broadcast(ScaleZero), At(from), evenA + evenB));
        Store(to + step, Fma(TLanes.Broadcast(ScaleB * B), u3 - u4, TLanes.Broadcast(ScaleA * A) * (u1 - u2)));
        Store(to + (2 * step), Fma(TLanes.Broadcast(B2), evenB, Fma(TLanes.Broadcast(A2), evenA, At(from + (5 * fromStep)))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Fma(TLanes x, TLanes y, TLanes z) => TLanes.Fma(x, y, z);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes At(float* values) => TLanes.Load(values);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, TLanes values) => TLanes.Store(values, to);
}
