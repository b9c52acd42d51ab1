using static TorchSharp.torch;

namespace Convoy.Samples.OwnModel;

/// <summary>Pictures of circles, squares and triangles, drawn when they are asked for; the same seed draws the same.</summary>
internal static class DrawnShapes
{
    private const int Size = 32;

    /// <summary>Draws pictures.</summary>
    /// <returns>[count, 1, 32, 32] float32 pictures from 0 to 1, and the shape of each, [count] int64: 0 circle, 1 square, 2 triangle.</returns>
    public static (Tensor Images, Tensor Kinds) Draw(int count, int seed)
    {
        var random = new Random(seed);
        float[] pixels = new float[count * Size * Size];
        long[] kinds = new long[count];
        for (int picture = 0; picture < count; picture++)
        {
            kinds[picture] = random.Next(3);
            double x = 8 + (random.NextDouble() * 16), y = 8 + (random.NextDouble() * 16), radius = 4 + (random.NextDouble() * 4);
            for (int place = 0; place < Size * Size; place++)
            {
                bool inside = IsInside(kinds[picture], (place % Size) - x, (place / Size) - y, radius);
                pixels[(picture * Size * Size) + place] = (float)((inside ? 0.6 : 0) + (0.4 * random.NextDouble()));
            }
        }

        return (tensor(pixels, [count, 1, Size, Size]), tensor(kinds, int64));
    }

    private static bool IsInside(long kind, double x, double y, double radius) => kind switch
    {
        0 => (x * x) + (y * y) < radius * radius,
        1 => Math.Max(Math.Abs(x), Math.Abs(y)) < radius * 0.85,
        _ => Math.Abs(y) < radius && Math.Abs(x) < (y + radius) / 2,
    };
}
