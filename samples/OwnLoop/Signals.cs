using static TorchSharp.torch;

namespace Convoy.Samples.OwnLoop;

/// <summary>Noisy sines, squares, triangles and saws; the same seed draws the same.</summary>
/// <param name="Values">[count, 1, 64] float32.</param>
/// <param name="Kinds">[count] int64, from 0 to 3.</param>
internal sealed record Signals(Tensor Values, Tensor Kinds)
{
    public const int KindCount = 4;

    private const int Length = 64;

    public int Count => (int)Kinds.shape[0];

    public static Signals Draw(int count, int seed)
    {
        var random = new Random(seed);
        float[] values = new float[count * Length];
        long[] kinds = new long[count];
        for (int signal = 0; signal < count; signal++)
        {
            kinds[signal] = random.Next(KindCount);
            double frequency = 1 + (3 * random.NextDouble()), phase = random.NextDouble(), height = 0.5 + random.NextDouble();
            for (int i = 0; i < Length; i++)
            {
                double turn = ((frequency * i / Length) + phase) % 1;
                double value = kinds[signal] switch
                {
                    0 => Math.Sin(2 * Math.PI * turn),
                    1 => turn < 0.5 ? 1 : -1,
                    2 => (4 * Math.Abs(turn - 0.5)) - 1,
                    _ => (2 * turn) - 1,
                };
                values[(signal * Length) + i] = (float)((height * value) + (random.NextDouble() - 0.5));
            }
        }

        return new Signals(tensor(values, [count, 1, Length]), tensor(kinds, int64));
    }

    /// <summary>The signals of the given numbers.</summary>
    public Signals At(long[] indices)
    {
        Tensor places = tensor(indices, int64);
        return new Signals(Values[places], Kinds[places]);
    }
}
