using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Interop;

/// <summary>Where tensors like some parameters (their gradients, their moments) lie when they share one stretch of memory.</summary>
public static class FlatLayout
{
    // Each starts at a cache line.
    private const long AlignmentBytes = 64;

    /// <summary>The offset of each and the length of the whole, in elements. Each begins at a cache line.</summary>
    /// <param name="parameters">At least one; all of one element type.</param>
    public static (long[] Offsets, long Count) Offsets(IReadOnlyList<Parameter> parameters)
    {
        long perLine = AlignmentBytes / parameters[0].element_size();
        long[] offsets = new long[parameters.Count];
        long count = 0;
        for (int i = 0; i < offsets.Length; i++)
        {
            offsets[i] = count;
            count += (parameters[i].numel() + perLine - 1) / perLine * perLine;
        }

        return (offsets, count);
    }

    /// <summary>The parameter's own strides (channels-last weights keep theirs), unless they leave gaps or overlap.</summary>
    /// <param name="parameter">The parameter.</param>
    public static long[] DenseStrides(Tensor parameter)
    {
        long[] shape = parameter.shape, strides = parameter.stride();
        long expected = 1;
        foreach (int dimension in Enumerable.Range(0, shape.Length).Where(d => shape[d] > 1).OrderBy(d => strides[d]))
        {
            if (strides[dimension] != expected)
            {
                return ContiguousStrides(shape);
            }

            expected *= shape[dimension];
        }

        return strides;
    }

    private static long[] ContiguousStrides(long[] shape)
    {
        long[] strides = new long[shape.Length];
        long stride = 1;
        for (int dimension = shape.Length - 1; dimension >= 0; dimension--)
        {
            strides[dimension] = stride;
            stride *= Math.Max(1, shape[dimension]);
        }

        return strides;
    }
}
