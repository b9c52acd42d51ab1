using static TorchSharp.torch;

namespace Convoy.Samples.DataParallel;

/// <summary>A data set that needs no download: discs, squares, crosses and rings drawn from the sample's number, with noise. <c>image</c> is [1, 32, 32], <c>class</c> a number.</summary>
internal sealed class Shapes(long count) : utils.data.Dataset
{
    public const int Classes = 4;

    private const int Side = 32;

    public override long Count => count;

    public override Dictionary<string, Tensor> GetTensor(long index)
    {
        float[] pixels = new float[Side * Side];
        long shape = Draw((int)index, pixels);
        return new() { ["image"] = tensor(pixels).reshape(1, Side, Side), ["class"] = tensor(shape) };
    }

    private static long Draw(int index, float[] picture)
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
