using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Normalization;

/// <summary>The sums of x - mean and of its square, where the mean is any number near the channel's mean: for the statistics.</summary>
internal readonly struct Moments : IChannelOperation
{
    public static bool ReadsGradient => false;

    public static bool ReadsOther => false;

    public static bool Writes => false;

    public static bool Sums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Of<T>(Vector<T> x, Vector<T> gradient, Vector<T> other, in ChannelVectors<T> channel, ref Vector<T> first, ref Vector<T> second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector<T> centred = x - channel.Mean;
        first += centred;
        second += centred * centred;
        return default;
    }
}
