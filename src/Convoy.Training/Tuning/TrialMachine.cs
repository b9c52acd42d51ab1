using System.Globalization;
using System.Runtime.InteropServices;
using Convoy.Distributed.Launch;

namespace Convoy.Training.Tuning;

/// <summary>
/// Makes trials on this machine. Those that have processes and threads in common run one after another in the same processes,
/// so that starting them is paid for once.
/// </summary>
/// <param name="settings">What all trials have in common.</param>
/// <param name="scratch">A folder for what they write.</param>
/// <param name="time">The clock.</param>
internal sealed class TrialMachine(TrainingOptions settings, string scratch, TimeProvider time) : ITrialMachine
{
    /// <summary>The hidden verb that each process of a group of trials is started with.</summary>
    public const string WorkerVerb = "trial-worker";

    // More than any trial takes; the time decides.
    private const int MostSteps = 100_000;

    private int _folders;

    /// <summary>Told of each result as it comes.</summary>
    public Action<TrialResult>? OnResult { get; init; }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<TrialResult>> TryAsync(IReadOnlyList<TuningConfiguration> configurations, TrialAllowance allowance, CancellationToken cancellation)
    {
        var results = new Dictionary<TuningConfiguration, TrialResult>();
        long start = time.GetTimestamp();
        foreach (IGrouping<(int, int), TuningConfiguration> group in configurations.GroupBy(c => (c.Processes, c.Threads)))
        {
            // What a failed trial takes with it is started again.
            TuningConfiguration[] left = [.. group];
            while (left.Length > 0)
            {
                IReadOnlyList<TrialResult> made = await TryGroupAsync(left, allowance, results.Values, start, cancellation);
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
        double[] medians = [.. earlier.Where(r => r.StepSeconds.Count > 0).Select(r => StepMedian.Of(r.StepSeconds))];
        double best = medians.Append(allowance.BestStepSeconds ?? double.PositiveInfinity).Min();
        folder.Write(
            trials.Select(c => c.ApplyTo(settings) with { Steps = MostSteps, CheckpointEvery = 0, KeepCheckpoints = 0 }),
            allowance with { SecondsLeft = left, BestStepSeconds = double.IsFinite(best) ? best : null });
        var results = new TrialResults(trials, allowance.LeastSteps);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using ITimer deadline = time.CreateTimer(_ => end.Cancel(), null, TimeSpan.FromSeconds(left), Timeout.InfiniteTimeSpan);
        var launcher = new Launcher(new LauncherOptions
        {
            Program = LaunchProgram.ThisProgram(WorkerVerb, folder.Root),
            ProcessCount = trials[0].Processes,
            ThreadsPerProcess = trials[0].Threads,
            InterruptSignal = PosixSignal.SIGTERM,
            OnNotice = ConsoleOutput.Notice,
            LogDirectory = folder.Logs,
            OnOutput = line =>
            {
                if (line.Rank == 0 && line.Stream == WorkerOutputStream.Output && TrialEvent.FromLine(line.Text) is { } what)
                {
                    results.Add(what);
                }
            },
        });
        LaunchResult result = await launcher.RunAsync(end.Token);
        cancellation.ThrowIfCancellationRequested();
        return results.Of(result.Failure is { } failure ? FailureText.Of(failure) : null);
    }
}
