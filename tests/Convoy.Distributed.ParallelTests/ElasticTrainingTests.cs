using System.Globalization;

namespace Convoy.Distributed.ParallelTests;

/// <summary>A run whose number of ranks changes in the middle of an epoch.</summary>
public sealed class ElasticTrainingTests : IDisposable
{
    // 50 samples in batches of 8: six steps are an epoch, whose last two samples wait for the next order.
    private const int Samples = 50, BatchSize = 8, StepsOfAnEpoch = 6, Steps = 12;

    private readonly string _root = Directory.CreateTempSubdirectory("convoy-elastic-training-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Run_RanksThatNeedNotDivideTheBatch_EqualOneProcessOnTheWholeBatch(int ranks)
    {
        Repetitions.RequireAllUnless(ranks == 3);
        Part one = await TrainAsync("one", 1), several = await TrainAsync("several", ranks);

        // With one process the learning rate of --scale-lr is another: that of the several is given.
        Assert.Equal(Steps, several.Rates.Count);
        Part scaled = await TrainAsync("scaled", 1, scale: ranks);
        Assert.NotEqual(one.Rates, scaled.Rates);
        Assert.Equal(scaled.Rates, several.Rates);
        AssertNear(scaled.Losses, several.Losses, 1e-12);
        AssertNear(scaled.Weights, several.Weights, 1e-11);
    }

    [Fact]
    public async Task Run_RanksChangeWithinAnEpoch_EverySampleIsSeenOnceAndTheWeightsAreTheUnbrokenRuns()
    {
        Part whole = await TrainAsync("whole", 4);
        Part[] parts = [await TrainAsync("parts", 4, stopAfter: 1), await TrainAsync("parts", 2, stopAfter: 3), await TrainAsync("parts", 3)];

        Assert.Equal([2, 2, 8], parts.Select(part => part.Batches.Count));
        long[][] batches = [.. parts.SelectMany(part => part.Batches)];
        Assert.Equal(whole.Batches, batches);
        Assert.All(batches, batch => Assert.Equal(BatchSize, batch.Length));
        for (int epoch = 0; epoch < 2; epoch++)
        {
            long[] seen = [.. batches.Skip(epoch * StepsOfAnEpoch).Take(StepsOfAnEpoch).SelectMany(batch => batch)];
            Assert.Equal(Samples / BatchSize * BatchSize, seen.Distinct().Count());
            Assert.Equal(seen.Length, seen.Distinct().Count());
        }

        Assert.Equal(whole.Rates, parts.SelectMany(part => part.Rates));
        AssertNear(whole.Losses, [.. parts.SelectMany(part => part.Losses)], 1e-12);
        AssertNear(whole.Weights, parts[^1].Weights, 1e-11);
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Run_SameNumberOfRanksGoesOn_EndsWithTheSameBits()
    {
        Repetitions.RequireAll();
        Part whole = await TrainAsync("whole", 3);
        Part[] parts = [await TrainAsync("parts", 3, stopAfter: 4), await TrainAsync("parts", 3)];

        Assert.Equal(whole.Losses, parts.SelectMany(part => part.Losses));
        Assert.Equal(whole.Weights, parts[1].Weights);
    }

    private async Task<Part> TrainAsync(string run, int ranks, int stopAfter = 0, int? scale = null)
    {
        string folder = Path.Combine(_root, run);
        Directory.CreateDirectory(folder);
        IReadOnlyList<string> outputs = await WorkerProcesses.RunAndRequireSuccessAsync("ElasticTraining", ranks, folder, Text(stopAfter), Text(scale ?? 0), "0");
        string[][] samples = [.. outputs.Select(output => Lines(output, "samples: "))];
        string[] steps = Lines(outputs[0], "step: ");
        Assert.All(samples, own => Assert.Equal(steps.Length, own.Length));

        // In the order of the data set: which rank had which is not the point.
        long[][] batches = [.. Enumerable.Range(0, steps.Length).Select(step => samples.SelectMany(own => Numbers(own[step])).Order().ToArray())];
        return new Part(
            batches,
            [.. steps.Select(step => Value(step, 2))],
            [.. steps.Select(step => Value(step, 4))],
            [.. Lines(outputs[0], "weights: ").Single().Split(' ').Select(weight => double.Parse(weight, CultureInfo.InvariantCulture))]);
    }

    private static string[] Lines(string output, string kind) => [.. output.Split('\n').Where(line => line.StartsWith(kind, StringComparison.Ordinal)).Select(line => line[kind.Length..].TrimEnd())];

    private static IEnumerable<long> Numbers(string text) => text.Split(' ').Select(number => long.Parse(number, CultureInfo.InvariantCulture));

    private static double Value(string step, int place) => double.Parse(step.Split(' ')[place], CultureInfo.InvariantCulture);

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static void AssertNear(IReadOnlyList<double> expected, IReadOnlyList<double> actual, double tolerance)
    {
        Assert.Equal(expected.Count, actual.Count);
        double largest = expected.Zip(actual, (x, y) => Math.Abs(x - y)).Max();
        Assert.True(largest <= tolerance, $"they differ by {largest}");
    }

    private sealed record Part(IReadOnlyList<long[]> Batches, IReadOnlyList<double> Rates, IReadOnlyList<double> Losses, IReadOnlyList<double> Weights);
}
