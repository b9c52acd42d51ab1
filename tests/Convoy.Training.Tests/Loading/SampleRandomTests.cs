using Convoy.Training.Loading;

namespace Convoy.Training.Tests.Loading;

public sealed class SampleRandomTests
{
    [Fact]
    public void NextDouble_SameSeedEpochAndIndex_GivesTheSameNumbersAndOthersElse()
    {
        double[] numbers = Draw(new SampleRandom(1, 2, 3));

        Assert.Equal(numbers, Draw(new SampleRandom(1, 2, 3)));
        Assert.Equal(numbers, Draw(new SampleContext(Index: 3, Epoch: 2, Seed: 1).CreateRandom()));
        Assert.NotEqual(numbers, Draw(new SampleRandom(2, 2, 3)));
        Assert.NotEqual(numbers, Draw(new SampleRandom(1, 3, 3)));
        Assert.NotEqual(numbers, Draw(new SampleRandom(1, 3, 2)));
        Assert.NotEqual(numbers, Draw(new SampleRandom(1, 2, 4)));
    }

    /// <summary>The numbers of seed 5, epoch 0, index 7 by SplitMix64 in Python: whoever changes them changes what every run learns from.</summary>
    [Fact]
    public void NextDouble_KnownSeed_GivesTheKnownNumbers() =>
        Assert.Equal([0.6559856809237905, 0.6291735889912582, 0.0580788261684132], Draw(new SampleRandom(5, 0, 7)));

    [Fact]
    public void Draws_OfManySamples_AreUniform()
    {
        double[] symmetric = [.. Enumerable.Range(0, 20_000).Select(index => new SampleRandom(3, 0, index).NextSymmetric(2))];
        int[] whole = [.. Enumerable.Range(0, 20_000).Select(index => new SampleRandom(4, 0, index).NextInt32(4))];

        Assert.InRange(symmetric.Average(), -0.04, 0.04); // four standard errors: 4 * 2 / sqrt(3 * 20,000)
        Assert.InRange(symmetric.Min(), -2, -1.99);
        Assert.InRange(symmetric.Max(), 1.99, 2);
        Assert.All(Enumerable.Range(0, 4), value => Assert.InRange(whole.Count(drawn => drawn == value), 4700, 5300));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SampleRandom(0, 0, 0).NextInt32(0));
    }

    private static double[] Draw(SampleRandom random) => [random.NextDouble(), random.NextDouble(), random.NextDouble()];
}
