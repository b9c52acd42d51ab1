using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

public sealed class SuccessiveHalvingTests
{
    private static readonly TuningSpace TwoCores = new() { Cores = 2, Batches = [new(8, 1)], Precisions = [Precision.Fp32, Precision.Bf16] };
    private static readonly TuningSpace EightCores = TwoCores with { Cores = 8 };

    [Fact]
    public async Task Run_WithoutNoise_FindsThePlantedBest()
    {
        foreach (TuningConfiguration planted in TwoCores.Candidates(0))
        {
            (TuningCandidate? best, _, _) = await SearchAsync(TwoCores, c => c with { Workers = planted.Workers } == planted ? 0.5 : 0.56, noise: 0);

            Assert.Equal(planted with { Workers = 4 }, best!.Configuration);
        }
    }

    [Theory]
    [InlineData(0.03, 1)]
    [InlineData(0.1, 0.9)] // steps of one configuration that differ by up to a fifth leave something to chance
    public async Task Run_WithNoise_FindsOneAtLeast97PercentAsFastAsTheBest(double noise, double share)
    {
        foreach (TuningSpace space in (TuningSpace[])[TwoCores, EightCores])
        {
            int reached = 0;
            for (int seed = 0; seed < 50; seed++)
            {
                (TuningCandidate? best, _, _) = await SearchAsync(space, Machine, noise, seed: seed);
                reached += space.Candidates(0).Min(Machine) / Machine(best!.Configuration) >= 0.97 ? 1 : 0;
            }

            Assert.True(reached >= share * 50, $"{reached} of 50 on {space.Cores} cores");
        }
    }

    [Theory]
    [InlineData(30)]
    [InlineData(120)]
    [InlineData(600)]
    public async Task Run_OfAnyBudget_EndsWithinItAndATrial(double budget)
    {
        foreach (double slowness in (double[])[0.2, 1, 8])
        {
            (TuningCandidate? best, SimulatedMachine machine, ManualTime time) = await SearchAsync(EightCores, c => slowness * Machine(c), noise: 0.05, budget);

            // A trial that began in time may take its least steps: two to warm up and two that count, and what starts it.
            double trial = 2.5 + 0.8 + (6 * slowness * EightCores.Candidates(0).Max(Machine));
            Assert.True(time.GetElapsedTime(0).TotalSeconds <= budget + trial, $"slowness {slowness}: {time.GetElapsedTime(0)}");
            Assert.NotNull(best);
            Assert.NotEmpty(machine.Trials);
        }
    }

    [Fact]
    public async Task Run_OfTheSameSeed_MakesTheSameTrials()
    {
        (_, SimulatedMachine one, _) = await SearchAsync(EightCores, Machine, noise: 0.05, seed: 3);
        (_, SimulatedMachine same, _) = await SearchAsync(EightCores, Machine, noise: 0.05, seed: 3);
        (_, SimulatedMachine other, _) = await SearchAsync(EightCores, Machine, noise: 0.05, seed: 4);

        Assert.Equal(one.Trials.Select(t => t.Configuration), same.Trials.Select(t => t.Configuration));
        Assert.NotEqual(one.Trials.Select(t => t.Configuration), other.Trials.Select(t => t.Configuration));
    }

    [Fact]
    public async Task Run_LosersTwiceAsSlow_GivesThemUpAndSpendsTheTimeOnTheOthers()
    {
        (TuningCandidate? best, SimulatedMachine machine, _) = await SearchAsync(TwoCores, c => c.Precision == Precision.Bf16 ? 1 : 2, noise: 0.02);

        Assert.Equal(Precision.Bf16, best!.Configuration.Precision);
        Assert.Contains(machine.Trials, t => t.End == TrialEnd.GivenUp);
        Assert.All(machine.Trials.Where(t => t.End == TrialEnd.GivenUp), t => Assert.InRange(t.UpdateSeconds.Count, 1, 2));
        Assert.DoesNotContain(machine.Trials.Where(t => t.Configuration.Precision == Precision.Bf16), t => t.End == TrialEnd.GivenUp);
    }

    [Fact]
    public async Task Run_BestWasLuckyAtFirst_IsNotGivenUpByItsOwnLuck()
    {
        var tried = new Dictionary<TuningConfiguration, int>();
        (TuningCandidate? best, _, _) = await SearchAsync(
            TwoCores,
            c =>
            {
                int times = tried[c] = tried.GetValueOrDefault(c) + 1;
                return (c.Processes == 2 ? 0.5 : 0.6) * (times <= 4 ? 0.5 : 1); // a machine that becomes twice as slow
            },
            noise: 0);

        Assert.NotNull(best);
        Assert.Equal(2, best.Configuration.Processes);
    }

    [Fact]
    public async Task Run_LoaderThreadsThatMatter_ChoosesThem()
    {
        (TuningCandidate? best, _, _) = await SearchAsync(TwoCores, c => Machine(c) * (c.Workers == 2 ? 0.9 : 1), noise: 0.01, budget: 300);

        Assert.Equal(2, best!.Configuration.Workers);
    }

    [Fact]
    public async Task Run_LoaderThreadsThatDoNotMatter_KeepsTheUsualNumber()
    {
        (TuningCandidate? best, _, _) = await SearchAsync(TwoCores, c => Machine(c) * (c.Workers == 2 ? 0.999 : 1), noise: 0, budget: 300);

        Assert.Equal(4, best!.Configuration.Workers);
    }

    [Fact]
    public void Candidates_OfTwoCores_AreEveryShareOfThemWithEachPrecisionAndFormat()
    {
        IReadOnlyList<TuningConfiguration> candidates = TwoCores.Candidates(7);

        Assert.Equal(3 * 2 * 2, candidates.Distinct().Count());
        Assert.Equal([(1, 1), (1, 2), (2, 1)], candidates.Select(c => (c.Processes, c.Threads)).Distinct().Order());
        Assert.All(candidates.Take(8), c => Assert.Equal(2, c.Processes * c.Threads));
    }

    [Fact]
    public void Candidates_WithGivenValues_VaryOnlyTheRest()
    {
        TuningSpace space = TwoCores with { Processes = [2], Threads = [3], Precisions = [Precision.Fp16], ChannelsLast = [false], Workers = [0] };

        Assert.Equal([new TuningConfiguration(2, 3, Precision.Fp16, false, 0, new TrainingBatch(8, 1))], space.Candidates(0));
    }

    [Fact]
    public async Task Run_AnotherBatchIsFaster_ChoosesItWithTheSameUpdate()
    {
        TuningSpace space = TwoCores with { Batches = new EffectiveBatchRange(16, 16).Batches(new TrainingBatch(8, 2)) };
        foreach (TrainingBatch planted in space.Batches)
        {
            (TuningCandidate? best, _, _) = await SearchAsync(space, c => Machine(c) * (c.Batch == planted ? 0.8 : 1), noise: 0.02, budget: 400);

            // The fastest of all, unless the planted batch cannot be shared by its processes.
            TuningConfiguration fastest = space.Candidates(0).SelectMany(space.WithBatches).MinBy(c => Machine(c) * (c.Batch == planted ? 0.8 : 1))!;
            Assert.Equal(fastest.Batch, best!.Configuration.Batch);
            Assert.Equal(16, best.Configuration.Batch!.Effective);
        }
    }

    [Fact]
    public async Task Run_BatchesOfAllSizes_AreTriedOnFewConfigurationsOnly()
    {
        TuningSpace space = TwoCores with { Batches = new EffectiveBatchRange(16, 16).Batches(new TrainingBatch(8, 2)) };
        (_, SimulatedMachine machine, _) = await SearchAsync(space, Machine, noise: 0, budget: 400);

        Assert.InRange(machine.Trials.Where(t => t.Configuration.Batch != new TrainingBatch(8, 2)).Select(t => t.Configuration with { Batch = null, Workers = 0 }).Distinct().Count(), 1, 3);
    }

    [Fact]
    public async Task Run_UsualBatchNeedsTooMuchMemory_ChoosesTheFastestOfThoseThatFit()
    {
        const long limit = 10_000;
        static long Peak(TuningConfiguration c) => 1000 + (500 * c.LocalBatchSize); // of a process: 8 in one fit, 4 in each of two, and no larger ones
        TuningSpace space = TwoCores with { Batches = new EffectiveBatchRange(64, 64).Batches(new TrainingBatch(64, 1)) };
        (TuningCandidate? best, SimulatedMachine machine, _) = await SearchAsync(space, c => Machine(c) * (c.Batch!.Size >= 16 ? 0.5 : 1), noise: 0.02, budget: 1000, peak: Peak, limit: limit);

        Assert.Equal(2, best!.Configuration.Processes);
        Assert.True(best.PeakMemoryBytes <= limit / 2, $"{best.PeakMemoryBytes}");
        Assert.Equal(new TrainingBatch(16, 4), best.Configuration.Batch); // (5000 - 1000) / 500 = 8 in each
        Assert.All(machine.Trials.Where(t => t.Configuration.Batch!.Size > 16), t => Assert.Equal(TrialEnd.OverMemory, t.End));
    }

    [Fact]
    public async Task Run_NothingFits_FindsNothingAndSaysWhatItNeeds()
    {
        var time = new ManualTime();
        var search = new SuccessiveHalving(new SimulatedMachine(time, Machine, 0, 1, _ => 5000, 4000), time, 120);

        Assert.Null(await search.RunAsync(TwoCores, 0, TestContext.Current.CancellationToken));
        Assert.All(search.Candidates, c => Assert.Equal((TrialEnd.OverMemory, 5000L), (c.End, c.PeakMemoryBytes)));
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(2, 2)] // two loader threads need less
    public async Task Run_WinnerTakesTooMuchInTheLastRound_IsNotChosen(int fits, int? chosen)
    {
        var time = new ManualTime();
        bool isLastRound = false;
        var machine = new SimulatedMachine(time, Machine, 0, 1, c => isLastRound && c.Workers != fits ? 5000 : 1000, 4000);
        var search = new SuccessiveHalving(machine, time, 600) { OnRound = (_, candidates) => isLastRound = candidates.Any(c => c.Configuration.Workers != 4) };

        TuningCandidate? best = await search.RunAsync(TwoCores, 0, TestContext.Current.CancellationToken);

        Assert.True(isLastRound);
        Assert.Equal(chosen, best?.Configuration.Workers);
    }

    // Half parallel inefficiency with threads, bf16 fast only with channels last: like the machines that Convoy was measured on.
    private static double Machine(TuningConfiguration c)
    {
        double work = c.Precision == Precision.Fp32 ? (c.ChannelsLast == true ? 6 : 7) : (c.ChannelsLast == true ? 3.2 : 6.5);
        return work / c.Processes / Math.Pow(c.Threads, 0.8) * (1 + (0.02 * (c.Processes - 1)));
    }

    private static async Task<(TuningCandidate? Best, SimulatedMachine Machine, ManualTime Time)> SearchAsync(
        TuningSpace space, Func<TuningConfiguration, double> stepSeconds, double noise, double budget = 120, int seed = 0, Func<TuningConfiguration, long>? peak = null, long limit = long.MaxValue)
    {
        var time = new ManualTime();
        var machine = new SimulatedMachine(time, stepSeconds, noise, seed + 1000, peak, limit);
        TuningCandidate? best = await new SuccessiveHalving(machine, time, budget).RunAsync(space, seed, TestContext.Current.CancellationToken);
        return (best, machine, time);
    }
}
