using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Distributed.Nn.Normalization;

/// <summary>x - shift and its square: for the mean and the variance. A shift near the mean keeps the squares small.</summary>
internal readonly struct MomentTerms : IChannelTerms
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (Vector<T> First, Vector<T> Second) Of<T>(Vector<T> x, Vector<T> dy, Vector<T> shift)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => (x - shift, (x - shift) * (x - shift));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static (T First, T Second) Of<T>(T x, T dy, T shift)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => (x - shift, (x - shift) * (x - shift));
}
