using static TorchSharp.torch;

namespace Convoy.Samples.DataParallel;

/// <summary>A data set that needs no download: discs, squares, crosses and rings drawn from the sample's number, with noise.</summary>
internal sealed class Shapes(int count)
{
    public const int Classes = 4;

    private const int Side = 32;

    public int Count => count;

    /// <summary>The samples of the given numbers: images [N, 1, 32, 32] and their classes [N].</summary>
    public (Tensor Images, Tensor Classes) Batch(IReadOnlyList<int> indices)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(indices.Max(), count, nameof(indices));
        float[] pixels = new float[indices.Count * Side * Side];
        long[] classes = new long[indices.Count];
        for (int i = 0; i < indices.Count; i++)
        {
            classes[i] = Draw(indices[i], pixels.AsSpan(i * Side * Side, Side * Side));
        }

        return (tensor(pixels).reshape(indices.Count, 1, Side, Side), tensor(classes));
    }

    private static long Draw(int index, Span<float> picture)
    {
        var random = new Random(index);
        int shape = random.Next(Classes);
        double radius = 5 + (random.NextDouble() * 5), x = 12 + (random.NextDouble() * 8), y = 12 + (random.NextDouble() * 8);
        for (int row = 0; row < Side; row++)
        {
            for (int column = 0; column < Side; column++)
            {
                double dx = Math.Abs(column - x), dy = Math.Abs(row - y), distance = Math.Sqrt((dx * dx) + (dy * dy));
                bool inside = shape switch
                {
                    0 => distance < radius,
                    1 => Math.Max(dx, dy) < radius,
                    2 => Math.Min(dx, dy) < 2 && Math.Max(dx, dy) < radius,
                    _ => Math.Abs(distance - radius) < 1.5,
                };
                picture[(row * Side) + column] = (float)((inside ? 1 : 0) + (0.6 * (random.NextDouble() - 0.5)));
            }
        }

        return shape;
    }
}
