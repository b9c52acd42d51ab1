using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

/// <summary>
/// A machine on which every configuration has a planted time of a step of eight samples with noise, and a planted peak of memory; starting processes and building models take time, too.
/// </summary>
internal sealed class SimulatedMachine(ManualTime time, Func<TuningConfiguration, double> eightSeconds, double noise, int seed, Func<TuningConfiguration, long>? peakBytes = null, long limitBytes = long.MaxValue) : ITrialMachine
{
    private readonly Random _random = new(seed);

    public List<TrialResult> Trials { get; } = [];

    public Task<IReadOnlyList<TrialResult>> TryAsync(IReadOnlyList<TuningConfiguration> configurations, TrialAllowance allowance, CancellationToken cancellation)
    {
        double deadline = Now + allowance.SecondsLeft;
        var judge = new TrialJudge(allowance);
        var results = new Dictionary<TuningConfiguration, TrialResult>();
        foreach (IGrouping<(int, int), TuningConfiguration> group in configurations.GroupBy(c => (c.Processes, c.Threads)))
        {
            if (Now < deadline)
            {
                time.Advance(2.5);
            }

            foreach ((int number, TuningConfiguration configuration) in group.OrderBy(c => c.LocalBatchSize).Index())
            {
                results[configuration] = Now < deadline ? Try(configuration, allowance, judge, number == 0 ? allowance.FirstWarmupSteps : allowance.WarmupSteps) : new TrialResult(configuration, [], TrialEnd.NotTried);
            }
        }

        Trials.AddRange(results.Values);
        return Task.FromResult<IReadOnlyList<TrialResult>>([.. configurations.Select(c => results[c])]);
    }

    private double Now => time.GetElapsedTime(0).TotalSeconds;

    private TrialResult Try(TuningConfiguration configuration, TrialAllowance allowance, TrialJudge judge, int warmupSteps)
    {
        TrainingBatch batch = configuration.Batch!;
        long peak = peakBytes?.Invoke(configuration) ?? 1;
        if (peak > limitBytes / configuration.Processes)
        {
            return new TrialResult(configuration, [], TrialEnd.OverMemory) { PeakMemoryBytes = peak };
        }

        double UpdateSeconds() => eightSeconds(configuration) * batch.Effective / 8;
        int warmup = (warmupSteps + batch.Accumulate - 1) / batch.Accumulate;
        time.Advance(0.8 + (warmup * 1.2 * UpdateSeconds()));
        var updates = new List<double>();
        while (true)
        {
            double seconds = UpdateSeconds() * (1 + (noise * ((2 * _random.NextDouble()) - 1)));
            time.Advance(seconds);
            updates.Add(seconds);
            if (judge.Judge(updates, batch) is { } end)
            {
                judge.Finish(updates, batch);
                return new TrialResult(configuration, updates, end) { PeakMemoryBytes = peak };
            }
        }
    }
}
