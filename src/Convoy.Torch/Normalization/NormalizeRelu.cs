using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Normalization;

/// <summary>Batch norm and ReLU.</summary>
internal readonly struct NormalizeRelu : IChannelOperation
{
    public static bool ReadsGradient => false;

    public static bool ReadsOther => false;

    public static bool Writes => true;

    public static bool Sums => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Of<T>(Vector<T> x, Vector<T> gradient, Vector<T> other, in ChannelVectors<T> channel, ref Vector<T> first, ref Vector<T> second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> =>
        ChannelVectors<T>.Relu(channel.Normalize(x));
}
