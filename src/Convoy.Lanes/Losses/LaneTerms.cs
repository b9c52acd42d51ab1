using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Lanes.Losses;

/// <summary>
/// What one pixel gives to <see cref="LaneLoss"/>, as a function of the difference d of its logits, for a vector of pixels. All of it
/// comes from one exponential, e = exp(-|d|), which never overflows, and one division:
/// sigmoid(|d|) = 1 / (1 + e), log(1 + e) = 2 atanh(e / (2 + e)).
/// </summary>
internal readonly ref struct LaneTerms
{
    private readonly Vector<float> _background;
    private readonly Vector<float> _lane;

    /// <param name="background">Weight of a background pixel in the cross entropy.</param>
    /// <param name="lane">Weight of a lane pixel.</param>
    public LaneTerms(float background, float lane) => (_background, _lane) = (new(background), new(lane));

    /// <summary>The terms of a vector of pixels.</summary>
    /// <param name="d">The differences; NaN gives NaN everywhere.</param>
    /// <param name="isLane">All bits set for a lane pixel, none for a background pixel.</param>
    /// <param name="entropy">The weighted cross entropy.</param>
    /// <param name="entropySlope">Its derivative with respect to d.</param>
    /// <param name="probability">p = sigmoid(d).</param>
    /// <param name="probabilitySlope">p (1 - p), the derivative of p.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void At(Vector<float> d, Vector<int> isLane, out Vector<float> entropy, out Vector<float> entropySlope, out Vector<float> probability, out Vector<float> probabilitySlope)
    {
        Vector<float> one = Vector<float>.One;
        Vector<float> size = Vector.Abs(d);
        Vector<float> e = ExpOfNegative(size);
        Vector<float> onePlus = one + e, twoPlus = onePlus + one;
        Vector<float> inverse = one / (onePlus * twoPlus);
        Vector<float> larger = inverse * twoPlus;
        Vector<float> smaller = e * larger;
        Vector<float> logarithm = TwoAtanh(e * onePlus * inverse);

        // How far the wrong class is ahead: d for background, -d for lane.
        Vector<float> sign = Vector.AsVectorSingle(Vector.BitwiseAnd(isLane, new Vector<int>(int.MinValue)));
        Vector<float> wrong = Vector.Xor(d, sign);
        Vector<float> weight = Vector.ConditionalSelect(isLane, _lane, _background);

        // max(wrong, 0), but NaN for NaN and no overflow.
        Vector<float> half = new(0.5f);
        Vector<float> positivePart = (half * size) + (half * wrong);
        entropy = weight * (positivePart + logarithm);
        entropySlope = weight * Vector.Xor(Vector.ConditionalSelect(Vector.GreaterThan(wrong, Vector<float>.Zero), larger, smaller), sign);
        probability = Vector.ConditionalSelect(Vector.GreaterThan(d, Vector<float>.Zero), larger, smaller);
        probabilitySlope = larger * smaller;
    }

    // exp(-x) for x >= 0, to about 1 ulp; from 87 on, where the result is 1.6e-38, it stays what it is there.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> ExpOfNegative(Vector<float> x)
    {
        // Cody and Waite's reduction to |r| <= ln(2) / 2 and the polynomial of Moshier's Cephes library.
        const float RoundToInteger = 12582912; // 1.5 * 2^23: added to a small number, it leaves the nearest integer in the lowest bits.
        Vector<float> limit = new(87);
        Vector<float> negative = -Vector.ConditionalSelect(Vector.GreaterThan(x, limit), limit, x);
        Vector<float> shifted = Vector.MultiplyAddEstimate(negative, new Vector<float>(1.44269504f), new Vector<float>(RoundToInteger));
        Vector<float> n = shifted - new Vector<float>(RoundToInteger);
        Vector<float> r = Vector.MultiplyAddEstimate(n, new Vector<float>(-0.693359375f), negative);
        r = Vector.MultiplyAddEstimate(n, new Vector<float>(2.12194440e-4f), r);
        Vector<float> polynomial = Vector.MultiplyAddEstimate(new Vector<float>(1.9875691500e-4f), r, new Vector<float>(1.3981999507e-3f));
        polynomial = Vector.MultiplyAddEstimate(polynomial, r, new Vector<float>(8.3334519073e-3f));
        polynomial = Vector.MultiplyAddEstimate(polynomial, r, new Vector<float>(4.1665795894e-2f));
        polynomial = Vector.MultiplyAddEstimate(polynomial, r, new Vector<float>(1.6666665459e-1f));
        polynomial = Vector.MultiplyAddEstimate(polynomial, r, new Vector<float>(5.0000001201e-1f));
        Vector<float> mantissa = Vector.MultiplyAddEstimate(polynomial, r * r, r) + Vector<float>.One;
        Vector<float> powerOfTwo = Vector.AsVectorSingle((Vector.AsVectorInt32(shifted) << 23) + Vector.AsVectorInt32(Vector<float>.One));
        return mantissa * powerOfTwo;
    }

    // 2 atanh(s) = 2 s (1 + s^2 / 3 + s^4 / 5 + ...) for 0 <= s <= 1/3; the first term left out is below 2^-25 of the sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> TwoAtanh(Vector<float> s)
    {
        Vector<float> square = s * s;
        Vector<float> sum = Vector.MultiplyAddEstimate(square, new Vector<float>(2f / 13), new Vector<float>(2f / 11));
        sum = Vector.MultiplyAddEstimate(sum, square, new Vector<float>(2f / 9));
        sum = Vector.MultiplyAddEstimate(sum, square, new Vector<float>(2f / 7));
        sum = Vector.MultiplyAddEstimate(sum, square, new Vector<float>(2f / 5));
        sum = Vector.MultiplyAddEstimate(sum, square, new Vector<float>(2f / 3));
        sum = Vector.MultiplyAddEstimate(sum, square, new Vector<float>(2f));
        return s * sum;
    }
}
