using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Convoy.Torch.Interpolation;

namespace Convoy.Lanes.Losses;

/// <summary>
/// One row of the image at a time: from the logits' row to the pixels' differences, their terms, and back to the logits' columns.
/// Pixels are held by their column modulo 4: over logits of stride 4 each of the four groups then has fixed weights, and a mask's
/// 32-bit words hold one pixel of each.
/// </summary>
internal sealed unsafe class LaneLossRow : IDisposable
{
    private readonly BilinearTaps _columns;
    private readonly float _background;
    private readonly float _lane;
    private readonly int _stride;
    private readonly float* _memory;
    private readonly float* _source;
    private readonly float* _differences;
    private readonly float* _slopes;

    /// <param name="columns">From the logits' columns to the image's.</param>
    /// <param name="background">Weight of a background pixel in the cross entropy.</param>
    /// <param name="lane">Weight of a lane pixel.</param>
    public LaneLossRow(BilinearTaps columns, float background, float lane)
    {
        (_columns, _background, _lane) = (columns, background, lane);

        // A vector's room before and behind each row, so that neighbours and the last vector may reach over its ends.
        int padding = Vector<float>.Count;
        _stride = Math.Max((columns.Size + 3) / 4, columns.Source) + (3 * padding);
        int rows = 1 + 4 + (4 * LaneLossMaps.Count);
        _memory = (float*)NativeMemory.AllocZeroed((nuint)(rows * _stride), sizeof(float));
        _source = _memory + padding;
        _differences = _source + _stride;
        _slopes = _differences + (4 * _stride);
    }

    /// <inheritdoc/>
    public void Dispose() => NativeMemory.Free(_memory);

    /// <summary>Adds one row of the image.</summary>
    /// <param name="first">The row of differences at the logits' size before it.</param>
    /// <param name="second">The one after it.</param>
    /// <param name="secondWeight">The weight of the latter.</param>
    /// <param name="mask">The row of the mask: 0 for background.</param>
    /// <returns>The row's sums.</returns>
    public LaneSums Forward(float* first, float* second, float secondWeight, byte* mask)
    {
        Blend(first, second, secondWeight);
        if (_columns.IsFourfold)
        {
            ExpandFourfold(_columns.Source);
        }
        else
        {
            Expand();
        }

        return Terms(mask);
    }

    /// <summary>Adds the slopes of the row last given to <see cref="Forward"/> to the maps' rows that it was interpolated from.</summary>
    /// <param name="maps">The band's maps.</param>
    /// <param name="first">The row before it.</param>
    /// <param name="second">The row after it.</param>
    /// <param name="secondWeight">The weight of the latter.</param>
    public void Backward(LaneLossMaps maps, int first, int second, float secondWeight)
    {
        for (int map = 0; map < LaneLossMaps.Count; map++)
        {
            float* slopes = _slopes + (map * 4 * _stride);
            if (_columns.IsFourfold)
            {
                ReduceFourfold(slopes, _columns.Source);
            }
            else
            {
                Reduce(slopes);
            }

            AddScaled(maps.Row(map, first), 1 - secondWeight);
            AddScaled(maps.Row(map, second), secondWeight);
        }
    }

    private void Blend(float* first, float* second, float secondWeight)
    {
        int i = 0, count = _columns.Source;
        Vector<float> before = new(1 - secondWeight), after = new(secondWeight);
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Store(_source + i, (before * Load(first + i)) + (after * Load(second + i)));
        }

        for (; i < count; i++)
        {
            _source[i] = ((1 - secondWeight) * first[i]) + (secondWeight * second[i]);
        }
    }

    // Pixel 4 i + k lies (k + 0.5) / 4 - 0.5 source elements from element i.
    private void ExpandFourfold(int count)
    {
        _source[-1] = _source[0];
        _source[count] = _source[count - 1];
        Vector<float> eighth = new(0.125f), threeEighths = new(0.375f), fiveEighths = new(0.625f), sevenEighths = new(0.875f);
        for (int i = 0; i < count; i += Vector<float>.Count)
        {
            Vector<float> before = Load(_source + i - 1), at = Load(_source + i), after = Load(_source + i + 1);
            Store(_differences + i, (threeEighths * before) + (fiveEighths * at));
            Store(_differences + _stride + i, (eighth * before) + (sevenEighths * at));
            Store(_differences + (2 * _stride) + i, (sevenEighths * at) + (eighth * after));
            Store(_differences + (3 * _stride) + i, (fiveEighths * at) + (threeEighths * after));
        }
    }

    private void Expand()
    {
        for (int x = 0; x < _columns.Size; x++)
        {
            float weight = _columns.SecondWeight[x];
            _differences[((x & 3) * _stride) + (x >> 2)] = ((1 - weight) * _source[_columns.First[x]]) + (weight * _source[_columns.Second[x]]);
        }
    }

    // The transpose of ExpandFourfold, into _source.
    private void ReduceFourfold(float* slopes, int count)
    {
        float* one = slopes + _stride, two = one + _stride, three = two + _stride;
        Vector<float> eighth = new(0.125f), threeEighths = new(0.375f), fiveEighths = new(0.625f), sevenEighths = new(0.875f);
        for (int i = 0; i < count; i += Vector<float>.Count)
        {
            Vector<float> own = (fiveEighths * (Load(slopes + i) + Load(three + i))) + (sevenEighths * (Load(one + i) + Load(two + i)));
            Vector<float> neighbours = (threeEighths * (Load(slopes + i + 1) + Load(three + i - 1))) + (eighth * (Load(one + i + 1) + Load(two + i - 1)));
            Store(_source + i, own + neighbours);
        }

        // At the ends the element is its own neighbour.
        _source[0] += (0.375f * slopes[0]) + (0.125f * one[0]);
        _source[count - 1] += (0.125f * two[count - 1]) + (0.375f * three[count - 1]);
    }

    private void Reduce(float* slopes)
    {
        new Span<float>(_source, _columns.Source).Clear();
        for (int x = 0; x < _columns.Size; x++)
        {
            float weight = _columns.SecondWeight[x], slope = slopes[((x & 3) * _stride) + (x >> 2)];
            _source[_columns.First[x]] += (1 - weight) * slope;
            _source[_columns.Second[x]] += weight * slope;
        }
    }

    private void AddScaled(float* row, float factor)
    {
        int i = 0, count = _columns.Source;
        Vector<float> factors = new(factor);
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            Store(row + i, Vector.MultiplyAddEstimate(Load(_source + i), factors, Load(row + i)));
        }

        for (; i < count; i++)
        {
            row[i] = float.MultiplyAddEstimate(_source[i], factor, row[i]);
        }
    }

    private LaneSums Terms(byte* mask)
    {
        var terms = new LaneTerms(_background, _lane);
        Sums sums = default;
        int x = 0, i = 0;
        for (; x <= _columns.Size - Vector<byte>.Count; x += Vector<byte>.Count, i += Vector<float>.Count)
        {
            Four(terms, Unsafe.ReadUnaligned<Vector<int>>(mask + x), i, _columns.Size, allValid: true, ref sums);
        }

        if (x < _columns.Size)
        {
            Vector<int> last = Vector<int>.Zero;
            Unsafe.CopyBlockUnaligned(&last, mask + x, (uint)(_columns.Size - x));
            Four(terms, last, i, _columns.Size, allValid: false, ref sums);
        }

        return new LaneSums(
            Vector.Sum(sums.EntropyLow + sums.EntropyHigh), Vector.Sum(sums.ProbabilityLow + sums.ProbabilityHigh), Vector.Sum(sums.OverlapLow + sums.OverlapHigh), -Vector.Sum(sums.MinusLanePixels));
    }

    // The pixels of four vectors, one from each group. Four float32 numbers are added up before they go into a float64 sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Four(LaneTerms terms, Vector<int> mask, int index, int width, bool allValid, ref Sums sums)
    {
        One(terms, mask, 0, index, width, allValid, ref sums, out Vector<float> entropy0, out Vector<float> probability0, out Vector<float> overlap0);
        One(terms, mask, 1, index, width, allValid, ref sums, out Vector<float> entropy1, out Vector<float> probability1, out Vector<float> overlap1);
        One(terms, mask, 2, index, width, allValid, ref sums, out Vector<float> entropy2, out Vector<float> probability2, out Vector<float> overlap2);
        One(terms, mask, 3, index, width, allValid, ref sums, out Vector<float> entropy3, out Vector<float> probability3, out Vector<float> overlap3);
        Add((entropy0 + entropy1) + (entropy2 + entropy3), ref sums.EntropyLow, ref sums.EntropyHigh);
        Add((probability0 + probability1) + (probability2 + probability3), ref sums.ProbabilityLow, ref sums.ProbabilityHigh);
        Add((overlap0 + overlap1) + (overlap2 + overlap3), ref sums.OverlapLow, ref sums.OverlapHigh);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void One(
        LaneTerms terms, Vector<int> mask, int group, int index, int width, bool allValid, ref Sums sums, out Vector<float> entropy, out Vector<float> probability, out Vector<float> overlap)
    {
        Vector<int> isLane = ~Vector.Equals((mask >> (8 * group)) & new Vector<int>(0xFF), Vector<int>.Zero);
        float* differences = _differences + (group * _stride) + index, slopes = _slopes + (group * _stride) + index;
        terms.At(Load(differences), isLane, out entropy, out Vector<float> entropySlope, out probability, out Vector<float> probabilitySlope);
        if (!allValid)
        {
            Vector<int> valid = Vector.LessThan(((new Vector<int>(index) + Vector<int>.Indices) * 4) + new Vector<int>(group), new Vector<int>(width));
            (entropy, entropySlope) = (Only(valid, entropy), Only(valid, entropySlope));
            (probability, probabilitySlope) = (Only(valid, probability), Only(valid, probabilitySlope));
        }

        overlap = Only(isLane, probability);
        sums.MinusLanePixels += isLane;
        Store(slopes, entropySlope);
        Store(slopes + (4 * _stride), Only(isLane, probabilitySlope));
        Store(slopes + (8 * _stride), probabilitySlope);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Only(Vector<int> where, Vector<float> values) => Vector.AsVectorSingle(Vector.AsVectorInt32(values) & where);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(Vector<float> values, ref Vector<double> low, ref Vector<double> high)
    {
        Vector.Widen(values, out Vector<double> first, out Vector<double> second);
        low += first;
        high += second;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Load(float* from) => Unsafe.ReadUnaligned<Vector<float>>(from);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* to, Vector<float> values) => Unsafe.WriteUnaligned(to, values);

    private struct Sums
    {
        public Vector<double> EntropyLow;
        public Vector<double> EntropyHigh;
        public Vector<double> ProbabilityLow;
        public Vector<double> ProbabilityHigh;
        public Vector<double> OverlapLow;
        public Vector<double> OverlapHigh;
        public Vector<int> MinusLanePixels;
    }
}
