using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Normalization;

/// <summary>The gradient of batch norm's input.</summary>
internal readonly struct InputGradient : IChannelOperation
{
    public static bool ReadsGradient => true;

    public static bool ReadsOther => false;

    public static bool Writes => true;

    public static bool Sums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Of<T>(Vector<T> x, Vector<T> gradient, Vector<T> other, in ChannelVectors<T> channel, ref Vector<T> first, ref Vector<T> second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        channel.InputGradient(x, gradient);
}
