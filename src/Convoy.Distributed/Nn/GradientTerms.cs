using System.Numerics;

namespace Convoy.Distributed.Nn;

/// <summary>dy and dy (x - shift), where the shift is the mean: for the gradients.</summary>
internal readonly struct GradientTerms : IChannelTerms
{
    public static (Vector<float> First, Vector<float> Second) Of(Vector<float> x, Vector<float> dy, Vector<float> shift) => (dy, dy * (x - shift));

    public static (float First, float Second) Of(float x, float dy, float shift) => (dy, dy * (x - shift));
}
