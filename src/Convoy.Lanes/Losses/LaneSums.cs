using System.Numerics;

namespace Convoy.Lanes.Losses;

/// <summary>The sums over pixels from which an image's <see cref="LaneLoss"/> follows, in float64.</summary>
/// <param name="Entropy">Weighted cross entropies.</param>
/// <param name="Probability">Probabilities of lane.</param>
/// <param name="Overlap">Probabilities of lane at lane pixels.</param>
/// <param name="LanePixels">The number of lane pixels.</param>
internal readonly record struct LaneSums(double Entropy, double Probability, double Overlap, long LanePixels) : IAdditionOperators<LaneSums, LaneSums, LaneSums>
{
    public static LaneSums operator +(LaneSums left, LaneSums right) =>
        new(left.Entropy + right.Entropy, left.Probability + right.Probability, left.Overlap + right.Overlap, left.LanePixels + right.LanePixels);
}
