using System.Numerics;

namespace Convoy.Distributed.Nn.Normalization;

/// <summary>What <see cref="ChannelSums"/> adds up for each element: two numbers made of x, dy and the channel's shift.</summary>
internal interface IChannelTerms
{
    static abstract (Vector<T> First, Vector<T> Second) Of<T>(Vector<T> x, Vector<T> dy, Vector<T> shift)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    static abstract (T First, T Second) Of<T>(T x, T dy, T shift)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}
