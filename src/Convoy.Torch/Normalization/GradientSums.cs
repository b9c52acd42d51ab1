using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Normalization;

/// <summary>The sums of dy and dy (x - mean): for the gradients.</summary>
internal readonly struct GradientSums : IChannelOperation
{
    public static bool ReadsGradient => true;

    public static bool ReadsOther => false;

    public static bool Writes => false;

    public static bool Sums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Of<T>(Vector<T> x, Vector<T> gradient, Vector<T> other, in ChannelVectors<T> channel, ref Vector<T> first, ref Vector<T> second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        first += gradient;
        second += gradient * (x - channel.Mean);
        return default;
    }
}
