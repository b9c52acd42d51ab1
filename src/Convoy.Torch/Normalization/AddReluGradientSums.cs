using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Torch.Normalization;

/// <summary><see cref="GradientSums"/> behind an addition and a ReLU, whose output is the third tensor; writes the sum's gradient.</summary>
internal readonly struct AddReluGradientSums : IChannelOperation
{
    public static bool ReadsGradient => true;

    public static bool ReadsOther => true;

    public static bool Writes => true;

    public static bool Sums => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Of<T>(Vector<T> x, Vector<T> gradient, Vector<T> other, in ChannelVectors<T> channel, ref Vector<T> first, ref Vector<T> second)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Vector<T> masked = ChannelVectors<T>.Mask(other, gradient);
        GradientSums.Of(x, masked, other, channel, ref first, ref second);
        return masked;
    }
}
