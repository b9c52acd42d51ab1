using System.Numerics;

namespace Convoy.Distributed.Nn;

/// <summary>x - shift and its square: for the mean and the variance. A shift near the mean keeps the squares small.</summary>
internal readonly struct MomentTerms : IChannelTerms
{
    public static (Vector<float> First, Vector<float> Second) Of(Vector<float> x, Vector<float> dy, Vector<float> shift) => (x - shift, (x - shift) * (x - shift));

    public static (float First, float Second) Of(float x, float dy, float shift) => (x - shift, (x - shift) * (x - shift));
}
