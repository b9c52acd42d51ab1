using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Distributed.Nn.Normalization;

/// <summary>dy and dy (x - shift), where the shift is the mean: for the gradients.</summary>
internal readonly struct GradientTerms : IChannelTerms
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<T> First, Vector<T> Second) Of<T>(Vector<T> x, Vector<T> dy, Vector<T> shift)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => (dy, dy * (x - shift));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T First, T Second) Of<T>(T x, T dy, T shift)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => (dy, dy * (x - shift));
}
