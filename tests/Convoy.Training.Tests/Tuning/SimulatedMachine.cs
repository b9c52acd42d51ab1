using Convoy.Training.Tuning;

namespace Convoy.Training.Tests.Tuning;

/// <summary>A machine on which every configuration has a planted step time with noise; starting processes and building models take time, too.</summary>
internal sealed class SimulatedMachine(ManualTime time, Func<TuningConfiguration, double> stepSeconds, double noise, int seed) : ITrialMachine
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

            foreach ((int number, TuningConfiguration configuration) in group.Index())
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
        time.Advance(0.8 + (warmupSteps * 1.2 * stepSeconds(configuration)));
        var steps = new List<double>();
        while (true)
        {
            double seconds = stepSeconds(configuration) * (1 + (noise * ((2 * _random.NextDouble()) - 1)));
            time.Advance(seconds);
            steps.Add(seconds);
            if (judge.Judge(steps) is { } end)
            {
                judge.Finish(steps);
                return new TrialResult(configuration, steps, end);
            }
        }
    }
}
