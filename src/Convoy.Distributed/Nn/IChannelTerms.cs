using System.Numerics;

namespace Convoy.Distributed.Nn;

/// <summary>What <see cref="ChannelSums"/> adds up for each element: two numbers made of x, dy and the channel's shift.</summary>
internal interface IChannelTerms
{
    static abstract (Vector<float> First, Vector<float> Second) Of(Vector<float> x, Vector<float> dy, Vector<float> shift);

    static abstract (float First, float Second) Of(float x, float dy, float shift);
}

/// <summary>x - shift and its square: for the mean and the variance. A shift near the mean keeps the squares small.</summary>
internal readonly struct MomentTerms : IChannelTerms
{
    public static (Vector<float> First, Vector<float> Second) Of(Vector<float> x, Vector<float> dy, Vector<float> shift) => (x - shift, (x - shift) * (x - shift));

    public static (float First, float Second) Of(float x, float dy, float shift) => (x - shift, (x - shift) * (x - shift));
}

/// <summary>dy and dy (x - shift), where the shift is the mean: for the gradients.</summary>
internal readonly struct GradientTerms : IChannelTerms
{
    public static (Vector<float> First, Vector<float> Second) Of(Vector<float> x, Vector<float> dy, Vector<float> shift) => (dy, dy * (x - shift));

    public static (float First, float Second) Of(float x, float dy, float shift) => (dy, dy * (x - shift));
}
