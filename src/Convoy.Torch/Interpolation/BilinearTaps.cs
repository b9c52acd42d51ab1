namespace Convoy.Torch.Interpolation;

/// <summary>
/// Bilinear interpolation along one axis as PyTorch does it with <c>align_corners=False</c>: output i is
/// (1 - w) source[First[i]] + w source[Second[i]]. Also the transposed way: which outputs a source element goes into.
/// </summary>
public sealed class BilinearTaps
{
    private readonly int[] _firstOutput;
    private readonly float[][] _outputWeights;

    /// <summary>The taps of an axis.</summary>
    /// <param name="source">Elements of the source along the axis; at least 1.</param>
    /// <param name="size">Elements of the output; at least 1.</param>
    public BilinearTaps(int source, int size)
    {
        (Source, Size) = (source, size);
        First = new int[size];
        Second = new int[size];
        SecondWeight = new float[size];
        _firstOutput = new int[source];
        _outputWeights = new float[source][];

        // In float32, whose rounding of positions libtorch's kernels share.
        float scale = (float)source / size;
        for (int i = 0; i < size; i++)
        {
            float position = source == size ? i : Math.Max(0, MathF.FusedMultiplyAdd(scale, i + 0.5f, -0.5f));
            First[i] = Math.Min((int)position, source - 1);
            Second[i] = Math.Min(First[i] + 1, source - 1);
            SecondWeight[i] = Math.Clamp(position - First[i], 0, 1);
        }

        Transpose();
    }

    /// <summary>Elements of the source.</summary>
    public int Source { get; }

    /// <summary>Elements of the output.</summary>
    public int Size { get; }

    /// <summary>The source element at or before each output.</summary>
    public int[] First { get; }

    /// <summary>The one after it, or the last.</summary>
    public int[] Second { get; }

    /// <summary>The weight of <see cref="Second"/>, 0 to 1; the rest is <see cref="First"/>'s.</summary>
    public float[] SecondWeight { get; }

    /// <summary>Whether four outputs lie evenly over each source element, as over a map of stride 4.</summary>
    public bool IsFourfold => Size == 4 * Source;

    /// <summary>The first output that a source element goes into; the number after the last one's when it goes into none.</summary>
    public int FirstOutput(int source) => _firstOutput[source];

    /// <summary>The source element's weights in the outputs from <see cref="FirstOutput"/> on.</summary>
    public ReadOnlySpan<float> OutputWeights(int source) => _outputWeights[source];

    private void Transpose()
    {
        // Positions rise with the output, so the outputs of one source element follow each other.
        int start = 0, end = 0;
        for (int source = 0; source < Source; source++)
        {
            while (start < Size && Second[start] < source)
            {
                start++;
            }

            while (end < Size && First[end] <= source)
            {
                end++;
            }

            _firstOutput[source] = start;
            float[] weights = new float[Math.Max(0, end - start)];
            for (int i = 0; i < weights.Length; i++)
            {
                int output = start + i;
                weights[i] = (First[output] == source ? 1 - SecondWeight[output] : 0) + (Second[output] == source ? SecondWeight[output] : 0);
            }

            _outputWeights[source] = weights;
        }
    }
}
