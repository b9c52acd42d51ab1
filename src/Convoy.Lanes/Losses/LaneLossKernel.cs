using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using Convoy.Torch.Interpolation;
using Convoy.Torch.Kernels;

namespace Convoy.Lanes.Losses;

/// <summary>
/// <see cref="LaneLoss"/> of a batch and its gradient in one pass over the pixels, from the differences of the logits at their own,
/// smaller size. Images are cut into bands of rows, which depend on the shapes alone, and their results are added in order, so that the
/// number of threads changes no bit.
/// </summary>
/// <param name="height">Rows of the logits.</param>
/// <param name="width">Columns of the logits.</param>
/// <param name="imageHeight">Rows of the masks.</param>
/// <param name="imageWidth">Columns of the masks.</param>
/// <param name="background">Weight of a background pixel in the cross entropy.</param>
/// <param name="lane">Weight of a lane pixel.</param>
internal sealed unsafe class LaneLossKernel(int height, int width, int imageHeight, int imageWidth, double background, double lane)
{
    // The maps and rows of a band fit into a core's cache.
    private const int BandRows = 32;

    private readonly BilinearTaps _rows = new(height, imageHeight);
    private readonly BilinearTaps _columns = new(width, imageWidth);
    private readonly int _bands = (imageHeight + BandRows - 1) / BandRows;

    /// <summary>Computes the mean loss of the images and its gradient.</summary>
    /// <param name="differences">[images, height, width]: the lane's logit minus the background's.</param>
    /// <param name="masks">[images, imageHeight, imageWidth]: 0 for background.</param>
    /// <param name="gradient">Receives the gradient with respect to <paramref name="differences"/>.</param>
    /// <param name="images">How many images; at least 1.</param>
    /// <param name="threads">How many threads to use at most.</param>
    public double Compute(float* differences, byte* masks, float* gradient, int images, int threads)
    {
        int bandMapRows = Enumerable.Range(0, _bands).Max(band => MapRows(band).Count), bandNumbers = LaneLossMaps.Count * bandMapRows * width;
        var sums = new LaneSums[images * _bands];
        var losses = new double[images];
        float[] buffer = ArrayPool<float>.Shared.Rent(sums.Length * bandNumbers);
        nint from = (nint)differences, truth = (nint)masks, to = (nint)gradient; // Lambdas cannot hold pointers.
        fixed (float* start = buffer)
        {
            nint maps = (nint)start;
            LaneLossMaps Maps(int piece) => new(maps + (piece * (nint)bandNumbers * sizeof(float)), MapRows(piece % _bands).First, bandMapRows, width);
            Parallelism.Run(sums.Length, threads, piece =>
            {
                new Span<float>((float*)Maps(piece).Start, bandNumbers).Clear();
                int image = piece / _bands;
                sums[piece] = Band((float*)from + ((long)image * height * width), (byte*)truth + ((long)image * imageHeight * imageWidth), piece % _bands, Maps(piece));
            });
            Parallelism.Run(images, threads, image =>
                losses[image] = Combine((float*)to + ((long)image * height * width), sums.AsSpan(image * _bands, _bands), band => Maps((image * _bands) + band), images));
        }

        ArrayPool<float>.Shared.Return(buffer);
        return losses.Average();
    }

    // The rows of the logits from which a band's rows are interpolated.
    private (int First, int Count) MapRows(int band)
    {
        int first = _rows.First[band * BandRows], last = _rows.Second[Math.Min(imageHeight, (band + 1) * BandRows) - 1];
        return (first, last - first + 1);
    }

    private LaneSums Band(float* differences, byte* mask, int band, LaneLossMaps maps)
    {
        using var row = new LaneLossRow(_columns, (float)background, (float)lane);
        LaneSums sums = default;
        for (int y = band * BandRows, end = Math.Min(imageHeight, y + BandRows); y < end; y++)
        {
            int first = _rows.First[y], second = _rows.Second[y];
            sums += row.Forward(differences + ((long)first * width), differences + ((long)second * width), _rows.SecondWeight[y], mask + ((long)y * imageWidth));
            row.Backward(maps, first, second, _rows.SecondWeight[y]);
        }

        return sums;
    }

    // The loss of one image, and its gradient from the maps of its bands.
    private double Combine(float* gradient, ReadOnlySpan<LaneSums> bands, Func<int, LaneLossMaps> maps, int images)
    {
        LaneSums sums = default;
        foreach (LaneSums band in bands)
        {
            sums += band;
        }

        long pixels = (long)imageHeight * imageWidth;
        double weights = (lane * sums.LanePixels) + (background * (pixels - sums.LanePixels));
        double overlap = (2 * sums.Overlap) + 1, union = sums.Probability + sums.LanePixels + 1;
        float ofEntropy = (float)(1 / (weights * images)), ofOverlap = (float)(-2 / (union * images)), ofProbability = (float)(overlap / (union * union * images));
        new Span<float>(gradient, height * width).Clear();
        for (int band = 0; band < bands.Length; band++)
        {
            (int first, int count) = MapRows(band);
            LaneLossMaps part = maps(band);
            for (int row = first; row < first + count; row++)
            {
                float* to = gradient + ((long)row * width), entropy = part.Row(0, row), atLane = part.Row(1, row), everywhere = part.Row(2, row);
                for (int i = 0; i < width; i++)
                {
                    to[i] += (ofEntropy * entropy[i]) + (ofOverlap * atLane[i]) + (ofProbability * everywhere[i]);
                }
            }
        }

        return (sums.Entropy / weights) + 1 - (overlap / union);
    }
}

/// <summary>
/// The contribution of one pixel to <see cref="LaneLoss"/>, as a function of the difference d of its logits, for a vector of pixels. All
/// of it follows from one exponential, e = exp(-|d|), which never overflows, and one division:
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

        // By how much the wrong class leads: d for background, -d for lane.
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

/// <summary>
/// The three maps at the logits' size that one band of the image's rows adds to: of the cross entropy's slope, of p (1 - p) at lane pixels,
/// and of p (1 - p) everywhere. The transposed interpolation is linear, so the gradient is a linear combination of the maps, whose factors
/// are known once all sums are.
/// </summary>
/// <param name="Start">The maps' first number; map m's row r begins at (m * Rows + r) * Width.</param>
/// <param name="FirstRow">The row of the logits that row 0 is.</param>
/// <param name="Rows">Rows of each map.</param>
/// <param name="Width">Numbers in a row.</param>
internal readonly unsafe record struct LaneLossMaps(nint Start, int FirstRow, int Rows, int Width)
{
    /// <summary>How many maps there are.</summary>
    public const int Count = 3;

    /// <summary>Row <paramref name="row"/> of the logits in map <paramref name="map"/>.</summary>
    public float* Row(int map, int row) => (float*)Start + ((((long)map * Rows) + row - FirstRow) * Width);
}

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
