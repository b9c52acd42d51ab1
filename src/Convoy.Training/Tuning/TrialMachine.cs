using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Studies;
using Convoy.Training.Workers;
using System.Globalization;
using System.Runtime.InteropServices;
using Convoy.Distributed.Launch;

namespace Convoy.Training.Tuning;

/// <summary>
/// Makes trials on this machine. Those that have processes and threads in common run one after another in the same processes,
/// so that starting them is paid for once.
/// </summary>
/// <param name="settings">What all trials have in common.</param>
/// <param name="workers">The program with the task.</param>
/// <param name="scratch">A folder for what they write.</param>
/// <param name="time">The clock.</param>
public sealed class TrialMachine(RunConfiguration settings, WorkerProgram workers, string scratch, TimeProvider time) : ITrialMachine
{
    // More than any trial takes; the time decides.
    private const int MostSteps = 100_000;

    private readonly List<MemoryPoint> _known = [];
    private int _folders;

    /// <summary>What memory all processes of a trial may take together. Default null: as much as they like.</summary>
    public MemoryLimit? Memory { get; init; }

    /// <summary>
    /// What memory there is for all processes of a trial. Default null: no more than <see cref="Memory"/>. Where it is more, a trial that may need more than it is to is still tried, as that tells what it needs.
    /// </summary>
    public MemoryLimit? Available { get; init; }

    /// <summary>Told of each result as it comes.</summary>
    public Action<TrialResult>? OnResult { get; init; }

    /// <summary>Told what people should see while trials run.</summary>
    public required Action<string> OnNotice { get; init; }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<TrialResult>> TryAsync(IReadOnlyList<TuningConfiguration> configurations, TrialAllowance allowance, CancellationToken cancellation)
    {
        var results = new Dictionary<TuningConfiguration, TrialResult>();
        long start = time.GetTimestamp();
        foreach (IGrouping<(int, int), TuningConfiguration> group in configurations.GroupBy(c => (c.Processes, c.Threads)))
        {
            // What needs less memory comes first, as it tells what the others need. What a failed trial takes with it is started again.
            TuningConfiguration[] left = [.. group.OrderBy(c => c.LocalBatchSize)];
            while (left.Length > 0)
            {
                IReadOnlyList<TrialResult> made = await TryGroupAsync(left, allowance, results.Values, start, cancellation).ConfigureAwait(false);
                foreach (TrialResult result in made)
                {
                    results[result.Configuration] = result;
                    OnResult?.Invoke(result);
                }

                left = left[made.Count..];
            }
        }

        return [.. configurations.Select(c => results[c])];
    }

    /// <summary>Starts one group of processes.</summary>
    /// <returns>A result for the first of <paramref name="trials"/> up to the one that failed; for all when none did.</returns>
    private async Task<IReadOnlyList<TrialResult>> TryGroupAsync(
        TuningConfiguration[] trials, TrialAllowance allowance, IEnumerable<TrialResult> earlier, long start, CancellationToken cancellation)
    {
        double left = allowance.SecondsLeft - time.GetElapsedTime(start).TotalSeconds;
        if (left <= 0)
        {
            return [.. trials.Select(c => new TrialResult(c, [], TrialEnd.NotTried))];
        }

        var folder = new TrialFolder(Path.Combine(scratch, string.Create(CultureInfo.InvariantCulture, $"group-{_folders++}")));
        double[] medians = [.. earlier.Where(r => r.UpdateSeconds.Count > 0).Select(r => StepMedian.Find(r.UpdateSeconds) / r.Samples)];
        double best = medians.Append(allowance.BestSampleSeconds ?? double.PositiveInfinity).Min();
        folder.Write(
            trials.Select(c => settings with { Training = c.ApplyTo(settings.Training) with { Steps = MostSteps, CheckpointEvery = 0, KeepCheckpoints = 0 } }),
            allowance with
            {
                SecondsLeft = left,
                BestSampleSeconds = double.IsFinite(best) ? best : null,
                Memory = Memory is { } limit ? new TrialMemory(Math.Max(1, limit.Bytes / trials[0].Processes), (Available?.Bytes ?? 0) / trials[0].Processes, _known) : null,
            });
        var results = new TrialResults(trials, settings.Training, allowance.LeastSteps);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using ITimer deadline = time.CreateTimer(_ => end.Cancel(), null, TimeSpan.FromSeconds(left), Timeout.InfiniteTimeSpan);
        var launcher = new Launcher(new LauncherOptions
        {
            Program = workers.Program,
            ProcessCount = trials[0].Processes,
            ThreadsPerProcess = trials[0].Threads,
            InterruptSignal = PosixSignal.SIGTERM,
            OnNotice = OnNotice,
            Environment = WorkerProgram.Environment(WorkerRole.Trials, folder.Root),
            LogDirectory = folder.Logs,
            OnOutput = line =>
            {
                if (line.Rank == 0 && line.Stream == WorkerOutputStream.Output && TrialEvent.FromLine(line.Text) is { } told)
                {
                    results.Add(told);
                    if (told.Remark is { } remark)
                    {
                        OnNotice(remark);
                    }
                }
            },
        });
        LaunchResult result = await launcher.RunAsync(end.Token).ConfigureAwait(false);
        cancellation.ThrowIfCancellationRequested();
        _known.AddRange(results.Memory);
        return results.Conclude(result.Failure is { } failure ? FailureText.Describe(failure, keepsLogs: false) : null);
    }
}

/// <summary>Gathers what a group of trials tells.</summary>
/// <param name="trials">The group's trials in order.</param>
/// <param name="common">What the trials have in common.</param>
/// <param name="leastSteps">Steps that a trial needs to count.</param>
internal sealed class TrialResults(IReadOnlyList<TuningConfiguration> trials, TrainingOptions common, int leastSteps)
{
    private readonly List<double>[] _updates = [.. trials.Select(_ => new List<double>())];
    private readonly TrialEnd?[] _ends = new TrialEnd?[trials.Count];
    private readonly long?[] _peaks = new long?[trials.Count];
    private readonly List<MemoryPoint> _memory = [];

    /// <summary>What memory batches took, also those that were tried only for that.</summary>
    public IReadOnlyList<MemoryPoint> Memory => _memory;

    /// <summary>Rank 0 told something; what is of no trial of the group counts for nothing.</summary>
    public void Add(TrialEvent told)
    {
        if (told.Trial >= trials.Count)
        {
            return;
        }

        if (told.UpdateSeconds is { } seconds)
        {
            _updates[told.Trial].Add(seconds);
        }

        if (told.End is { } end)
        {
            _ends[told.Trial] = Enum.Parse<TrialEnd>(end);
            _peaks[told.Trial] = told.PeakMemoryBytes;
        }
        else if (told is { LocalBatchSize: { } size, PeakMemoryBytes: { } peak })
        {
            TrainingOptions of = trials[told.Trial].ApplyTo(common);
            _memory.Add(new MemoryPoint(of.Nproc, of.Precision, of.ChannelsLast, size, peak));
        }
    }

    /// <summary>The results, when the processes are gone.</summary>
    /// <param name="failure">Why they failed; null when they did not.</param>
    /// <returns>One for each trial; after a failure up to the trial that failed.</returns>
    public IReadOnlyList<TrialResult> Conclude(string? failure)
    {
        int failed = failure is null ? -1 : Array.FindIndex(_ends, end => end is null);
        return
        [
            .. trials.Take(failed < 0 ? trials.Count : failed + 1)
                .Select((c, i) => i == failed ? new TrialResult(c, [], TrialEnd.Failed, failure) : Result(c, i)),
        ];
    }

    // One that the end of the time cut off counts when it came far enough.
    private TrialResult Result(TuningConfiguration configuration, int index)
    {
        int least = configuration.Batch is { } batch ? TrialJudge.LeastUpdates(leastSteps, batch) : leastSteps;
        TrialEnd end = _ends[index] is { } told and not TrialEnd.NotTried ? told
            : _updates[index].Count >= least ? TrialEnd.Measured : TrialEnd.NotTried;
        return new TrialResult(configuration, end is TrialEnd.NotTried or TrialEnd.OverMemory ? [] : _updates[index], end) { PeakMemoryBytes = _peaks[index] };
    }
}
