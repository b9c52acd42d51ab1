using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Normalization;

/// <summary><see cref="GradientSums"/> behind a ReLU, whose output is computed again.</summary>
internal readonly struct ReluGradientSums : IChannelOperation
{
    public static bool ReadsGradient => true;

    public static bool ReadsOther => false;

    public static bool Writes => false;

    public static bool Sums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Of<T>(Vector<T> x, Vector<T> gradient, Vector<T> other, in ChannelVectors<T> channel, ref Vector<T> first, ref Vector<T> second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector<T> centred = x - channel.Mean;
        Vector<T> masked = ChannelVectors<T>.Mask((centred * channel.Scale) + channel.Bias, gradient);
        first += masked;
        second += masked * centred;
        return default;
    }
}
