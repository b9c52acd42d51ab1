using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Normalization;

/// <summary><see cref="GradientSums"/> behind a ReLU and a max-pool: x are the inputs that were the windows' greatest, the third tensor is their <see cref="PoolWindow"/> places.</summary>
internal readonly struct PooledGradientSums : IChannelOperation
{
    public static bool ReadsGradient => true;

    public static bool ReadsOther => true;

    public static bool Writes => false;

    public static bool Sums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Of<T>(Vector<T> x, Vector<T> gradient, Vector<T> other, in ChannelVectors<T> channel, ref Vector<T> first, ref Vector<T> second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector<T> routed = Vector.ConditionalSelect(Vector.Equals(other, new Vector<T>(T.CreateTruncating(PoolWindow.None))), Vector<T>.Zero, gradient);
        return GradientSums.Of(x, routed, other, channel, ref first, ref second);
    }
}
