using System.Numerics;

namespace Convoy.Distributed.Nn;

/// <summary>What <see cref="ChannelSums"/> adds up for each element: two numbers made of x, dy and the channel's shift.</summary>
internal interface IChannelTerms
{
    static abstract (Vector<float> First, Vector<float> Second) Of(Vector<float> x, Vector<float> dy, Vector<float> shift);

    static abstract (float First, float Second) Of(float x, float dy, float shift);
}
