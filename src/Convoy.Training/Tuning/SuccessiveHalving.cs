using Convoy.Training.Studies;
namespace Convoy.Training.Tuning;

/// <summary>
/// Finds the fastest configuration within a time budget: all get a short trial, the faster half a longer one, and so on until
/// one is left; each round gets the same share of the time. As soon as no more than three are left, they are tried with all batches: how much a
/// batch gains depends little on the rest. The numbers of loader threads are tried on the winner only: they change how long a step waits, not how long it computes.
/// What takes more memory than it may is tried with the next smaller batch in the next round.
/// </summary>
/// <remarks>
/// Source: Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", 2016. Different
/// here: a trial is measured in seconds instead of steps, because steps of a slow configuration cost more; one that cannot win
/// is ended early; updates of all rounds count together, and are compared by the sample.
/// </remarks>
/// <param name="machine">What trials are made on.</param>
/// <param name="time">The budget's clock.</param>
/// <param name="budgetSeconds">Time for everything; above 0.</param>
public sealed class SuccessiveHalving(ITrialMachine machine, TimeProvider time, double budgetSeconds)
{
    // The last part of the budget, in which loader threads are tried.
    private const double WorkersShare = 0.2;

    // Another number of loader threads has to be faster by more than noise to take the usual one's place.
    private const double WorkersGain = 0.01;

    // So few configurations are tried with all batches.
    private const int MostForBatches = 3;

    private readonly long _start = time.GetTimestamp();
    private readonly Dictionary<TuningConfiguration, TuningCandidate> _candidates = [];

    // What starting a group of processes and building a model cost, until it has been seen here.
    private double _startSeconds = 3;
    private double _buildSeconds = 1;

    /// <summary>Told before each round: its number from 1, and how many configurations are in it.</summary>
    public Action<int, IReadOnlyList<TuningCandidate>>? OnRound { get; init; }

    /// <summary>Everything that was considered, the fastest first.</summary>
    public IReadOnlyList<TuningCandidate> Candidates =>
        [.. _candidates.Values.OrderBy(c => c.End is TrialEnd.Failed or TrialEnd.OverMemory || c.UpdateSeconds.Count == 0).ThenByDescending(c => c.Trials).ThenBy(c => c.SampleSeconds)];

    private double SecondsLeft => budgetSeconds - time.GetElapsedTime(_start).TotalSeconds;

    /// <summary>Searches.</summary>
    /// <param name="space">What to choose from.</param>
    /// <param name="seed">Decides the order of the trials.</param>
    /// <param name="cancellation">Ends the search.</param>
    /// <returns>The fastest configuration; null when none could be measured within its memory.</returns>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was raised.</exception>
    public async Task<TuningCandidate?> RunAsync(TuningSpace space, int seed, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(space);
        double reserved = space.Workers.Count > 1 ? budgetSeconds * WorkersShare : 0;
        TuningCandidate[] alive = [.. space.Candidates(seed).Select(Known)];
        bool withBatches = alive.Length <= MostForBatches;
        alive = withBatches ? WithBatches(space, alive) : alive;
        int round = 0;
        do
        {
            // Which of the last few computes fastest matters more than the loader threads: it may use their time.
            double left = SecondsLeft > reserved ? SecondsLeft - reserved : SecondsLeft;
            await TryAsync(++round, alive, left / RoundsLeft(space, alive.Length, withBatches), left, cancellation).ConfigureAwait(false);
            TuningConfiguration[] smaller = [.. alive.Where(c => c.End == TrialEnd.OverMemory).Select(c => space.WithSmallerBatch(c.Configuration)).OfType<TuningConfiguration>()];
            alive = Survivors(alive);
            if (!withBatches && alive.Length <= MostForBatches)
            {
                (alive, withBatches) = (WithBatches(space, alive), true);
            }

            alive = [.. alive, .. smaller.Where(configuration => !_candidates.ContainsKey(configuration)).Distinct().Select(Known)];
        }
        while ((alive.Length > 1 || alive.Any(c => c.Trials == 0)) && SecondsLeft > _startSeconds);

        alive = [.. alive.Where(c => c.UpdateSeconds.Count > 0)];
        if (alive.Length == 0)
        {
            return null;
        }

        TuningCandidate? best = alive[0];
        TuningCandidate[] others = [.. space.WithWorkers(best.Configuration).Select(Known)];
        if (others.Length > 1 && SecondsLeft > _startSeconds)
        {
            await TryAsync(++round, others, SecondsLeft, SecondsLeft, cancellation).ConfigureAwait(false);
            TuningCandidate? fastest = others.Where(c => c.End != TrialEnd.OverMemory && c.UpdateSeconds.Count > 0).MinBy(c => c.SampleSeconds);

            // Peaks vary: what just fitted may be over its limit in this trial, and is not chosen then.
            best = best.End == TrialEnd.OverMemory ? fastest ?? alive.FirstOrDefault(c => c.End != TrialEnd.OverMemory)
                : fastest!.SampleSeconds < best.SampleSeconds * (1 - WorkersGain) ? fastest : best;
        }

        return best;
    }

    // The faster half, without those that cannot win, the best first: the next round's others are given up by what it does then,
    // not by what it did when it was lucky. What a round had no time for has lost, unless earlier rounds tell its speed.
    private static TuningCandidate[] Survivors(TuningCandidate[] alive)
    {
        TuningCandidate[] ranked =
        [
            .. alive.Where(c => c.End is TrialEnd.Measured or TrialEnd.NotTried && c.UpdateSeconds.Count > 0)
                .OrderBy(c => c.SampleSeconds)
                .Take((alive.Length + 1) / 2),
        ];
        return [.. ranked.Where(c => c.FastestSampleSeconds <= TrialJudge.GiveUpFactor * ranked[0].SampleSeconds)];
    }

    private TuningCandidate[] WithBatches(TuningSpace space, TuningCandidate[] alive) =>
        [.. alive.SelectMany(c => space.WithBatches(c.Configuration)).Distinct().Select(Known).Where(c => c.End != TrialEnd.OverMemory)];

    // Each halves what is left; what the batches add is halved again.
    private static int RoundsLeft(TuningSpace space, int alive, bool withBatches)
    {
        int batches = withBatches ? 1 : space.Batches?.Count ?? 1;
        double before = batches == 1 ? 0 : Math.Max(1, Math.Ceiling(Math.Log2((double)alive / MostForBatches)));
        return (int)Math.Max(1, before + Math.Ceiling(Math.Log2(batches == 1 ? alive : MostForBatches * batches)));
    }

    private TuningCandidate Known(TuningConfiguration configuration)
    {
        if (!_candidates.TryGetValue(configuration, out TuningCandidate? candidate))
        {
            _candidates.Add(configuration, candidate = new TuningCandidate(configuration));
        }

        return candidate;
    }

    private async Task TryAsync(int round, TuningCandidate[] candidates, double roundSeconds, double secondsLeft, CancellationToken cancellation)
    {
        OnRound?.Invoke(round, candidates);
        int groups = candidates.Select(c => (c.Configuration.Processes, c.Configuration.Threads)).Distinct().Count();
        double overhead = (groups * _startSeconds) + (candidates.Length * _buildSeconds);
        var allowance = new TrialAllowance
        {
            SecondsEach = Math.Max(0, (roundSeconds - overhead) / candidates.Length),
            SecondsLeft = secondsLeft,
        };
        long start = time.GetTimestamp();
        IReadOnlyList<TrialResult> results = await machine.TryAsync([.. candidates.Select(c => c.Configuration)], allowance, cancellation).ConfigureAwait(false);
        double elapsed = time.GetElapsedTime(start).TotalSeconds;
        for (int i = 0; i < results.Count; i++)
        {
            candidates[i].Add(results[i]);
        }

        if (results.All(r => r.End is TrialEnd.Measured or TrialEnd.GivenUp))
        {
            // The warm-up is part of it: about one step for each trial, which is not told.
            double seen = Math.Max(0.1, elapsed - results.Sum(r => r.UpdateSeconds.Sum()));
            (_startSeconds, _buildSeconds) = (_startSeconds * seen / overhead, _buildSeconds * seen / overhead);
        }
    }
}

/// <summary>A configuration and everything that its trials measured.</summary>
/// <param name="configuration">The configuration.</param>
public sealed class TuningCandidate(TuningConfiguration configuration)
{
    private readonly List<double> _updates = [];
    private readonly List<double> _samples = [];

    /// <summary>The configuration.</summary>
    public TuningConfiguration Configuration => configuration;

    /// <summary>How its last trial ended.</summary>
    public TrialEnd End { get; private set; } = TrialEnd.NotTried;

    /// <summary>Why it failed; null unless it did.</summary>
    public string? Error { get; private set; }

    /// <summary>Trials that it took part in.</summary>
    public int Trials { get; private set; }

    /// <summary>The largest peak of a process in bytes over all trials; what it would have needed, at most, where it was not tried for that. Null when it is not known.</summary>
    public long? PeakMemoryBytes { get; private set; }

    /// <summary>Seconds of all updates that count, over all trials.</summary>
    public IReadOnlyList<double> UpdateSeconds => _updates;

    /// <summary>The median seconds of an update for each of its samples; infinite when nothing was measured.</summary>
    public double SampleSeconds => _samples.Count == 0 ? double.PositiveInfinity : StepMedian.Find(_samples);

    /// <summary>The same of the fastest update.</summary>
    public double FastestSampleSeconds => _samples.Count == 0 ? double.PositiveInfinity : _samples.Min();

    /// <summary>The median distance of updates from <see cref="SampleSeconds"/>, as a share of it; null with fewer than two updates.</summary>
    public double? RelativeSpread => _samples.Count < 2 ? null : StepMedian.Find([.. _samples.Select(s => Math.Abs(s - SampleSeconds))]) / SampleSeconds;

    internal void Add(TrialResult result)
    {
        End = result.End;
        Error = result.Error;
        Trials += result.End == TrialEnd.NotTried ? 0 : 1;
        PeakMemoryBytes = PeakMemoryBytes is { } peak ? Math.Max(peak, result.PeakMemoryBytes ?? 0) : result.PeakMemoryBytes;
        _updates.AddRange(result.UpdateSeconds);
        _samples.AddRange(result.UpdateSeconds.Select(seconds => seconds / result.Samples));
    }
}
