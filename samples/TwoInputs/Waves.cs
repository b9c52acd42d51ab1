using static TorchSharp.torch;

namespace Convoy.Samples.TwoInputs;

/// <summary>Noisy waves with a description each, of frequency and height, which is theirs or that of another wave.</summary>
internal static class Waves
{
    private const int Length = 64;

    /// <summary>Draws pairs; the same seed draws the same.</summary>
    /// <returns>Signals [count, 64], descriptions [count, 2], and whether they belong together, [count] of 0 and 1; all float32.</returns>
    public static (Tensor Signals, Tensor Descriptions, Tensor Matches) Draw(int count, double noise, int seed)
    {
        var random = new Random(seed);
        float[] signals = new float[count * Length], descriptions = new float[count * 2], matches = new float[count];
        for (int pair = 0; pair < count; pair++)
        {
            (double frequency, double height) = Wave(random);
            for (int i = 0; i < Length; i++)
            {
                double gauss = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
                signals[(pair * Length) + i] = (float)((height * Math.Sin(2 * Math.PI * frequency * i / Length)) + (noise * gauss));
            }

            bool match = random.Next(2) == 0;
            (double told, double toldHeight) = match ? (frequency, height) : Wave(random);
            (descriptions[2 * pair], descriptions[(2 * pair) + 1], matches[pair]) = ((float)told, (float)toldHeight, match ? 1 : 0);
        }

        return (tensor(signals, [count, Length]), tensor(descriptions, [count, 2]), tensor(matches));
    }

    private static (double Frequency, double Height) Wave(Random random) => (1 + random.Next(4), 0.5 + random.NextDouble());
}
