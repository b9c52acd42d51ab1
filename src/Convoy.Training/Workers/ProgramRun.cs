using System.Globalization;
using System.Runtime.InteropServices;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Metrics;
using Convoy.Training.Runs;

namespace Convoy.Training.Workers;

/// <summary>
/// Runs any program once for a configuration, with torchrun's environment and <see cref="ProgramVariables"/>, and reads the steps that it wrote.
/// </summary>
/// <param name="folder">The folder of the run, which exists and is empty: <see cref="ProgramVariables.Folder"/>. The processes' output goes to <c>logs</c> in it.</param>
/// <param name="settings">What to run.</param>
/// <param name="time">The clock.</param>
public sealed class ProgramRun(string folder, ProgramRunSettings settings, TimeProvider time)
{
    private const double GraceSeconds = 10;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(0.2);

    private readonly RunDirectory _run = new(folder);

    /// <summary>Told what people should see while it runs, in a line.</summary>
    public required Action<string> OnNotice { get; init; }

    /// <summary>
    /// Told rank 0's steps as they come, some five times a second. True says that enough was measured: the processes get SIGTERM, and what they wrote counts.
    /// The default ends a program that goes on after <see cref="ProgramRunSettings.Steps"/>.
    /// </summary>
    public Func<StepMetrics, bool>? OnStep { get; init; }

    /// <summary>Runs the program to its end.</summary>
    /// <param name="interrupted">Ends the processes.</param>
    /// <exception cref="OperationCanceledException"><paramref name="interrupted"/> was raised.</exception>
    public async Task<ProgramOutcome> RunAsync(CancellationToken interrupted)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        using var timeout = new CancellationTokenSource(settings.Timeout, time);
        await using CancellationTokenRegistration late = timeout.Token.Register(end.Cancel);
        using var watching = new CancellationTokenSource();
        Task<bool> watch = WatchAsync(end, watching.Token);
        DateTimeOffset started = time.GetUtcNow();
        long start = time.GetTimestamp();
        LaunchResult result;
        try
        {
            result = await new Launcher(Options()).RunAsync(end.Token).ConfigureAwait(false);
        }
        catch (DistributedException error)
        {
            return new ProgramOutcome { Failure = error.Message, StartTime = started };
        }
        finally
        {
            await watching.CancelAsync().ConfigureAwait(false);
        }

        double seconds = time.GetElapsedTime(start).TotalSeconds;
        bool enough = await watch.ConfigureAwait(false);
        interrupted.ThrowIfCancellationRequested();
        var outcome = new ProgramOutcome { WallSeconds = seconds, StartTime = started };
        return result.Failure is { } failure && !enough ? outcome with { Failure = Describe(failure) }
            : timeout.IsCancellationRequested && result.Interrupted && !enough ? outcome with { Failure = TooLong() }
            : WithSteps(outcome, enough);
    }

    private LauncherOptions Options()
    {
        var variables = new Dictionary<string, string>(settings.Environment)
        {
            [ProgramVariables.Folder] = _run.Root,
            [ProgramVariables.Steps] = Text(settings.Steps),
            [ProgramVariables.WarmupSteps] = Text(settings.WarmupSteps),

            // Empty where there is none: a variable of a session around this one must not come through.
            [ProgramVariables.Precision] = settings.Precision?.Name() ?? string.Empty,
            [WorkerRole.Variable] = string.Empty,
        };
        return new LauncherOptions
        {
            Program = settings.Program,
            ProcessCount = settings.Processes,
            ThreadsPerProcess = settings.Threads,
            HostStore = false, // PyTorch's rank 0 hosts its own, and so does Convoy's where nobody else does
            InterruptSignal = PosixSignal.SIGTERM,
            InterruptGraceSeconds = GraceSeconds,
            LogDirectory = _run.Logs,
            Environment = variables,
            OnNotice = OnNotice,
        };
    }

    /// <returns>Whether the run was ended because enough was measured.</returns>
    private async Task<bool> WatchAsync(CancellationTokenSource end, CancellationToken over)
    {
        var tail = new StepTail(_run.MetricsLog(0), 0);
        using var timer = new PeriodicTimer(Interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(over).ConfigureAwait(false))
            {
                bool enough = false;
                foreach (StepMetrics step in tail.ReadNew())
                {
                    enough |= OnStep?.Invoke(step) == true || step.Step > settings.Steps;
                }

                if (enough)
                {
                    await end.CancelAsync().ConfigureAwait(false);
                    return true;
                }
            }
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            // The run is over by itself.
        }

        return false;
    }

    // A script says why it ends in its last line, a traceback too.
    private string Describe(WorkerFailure failure) => settings.KeepsLogs && failure.Message is null && failure.SignalName is null && FailureText.LastLine(failure) is { } line
        ? $"{failure.Describe()}: {line}. {FailureText.PlaceOfOutput(failure)}"
        : FailureText.Describe(failure, hasTimeout: false, settings.KeepsLogs);

    private string TooLong()
    {
        var tail = new StepTail(_run.MetricsLog(0), 0);
        tail.ReadNew();
        string how = tail.LastStep is { } step
            ? string.Create(CultureInfo.InvariantCulture, $"rank 0's last step is {step} of {settings.Steps}")
            : "it has written no step";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"it did not end within {settings.Timeout.TotalSeconds:0.###} s and was ended ({how}). Give a longer --run-timeout, or let it end after {ProgramVariables.Steps} steps.");
    }

    private ProgramOutcome WithSteps(ProgramOutcome outcome, bool enough)
    {
        string[] logs = [.. Enumerable.Range(0, settings.Processes).Select(_run.MetricsLog)];
        if (!Array.Exists(logs, File.Exists))
        {
            return outcome;
        }

        try
        {
            if (Array.FindIndex(logs, log => !File.Exists(log)) is >= 0 and int silent)
            {
                return outcome with { Failure = $"rank {Text(silent)} wrote no {Path.GetFileName(logs[silent])}, and others wrote theirs. Let every rank write its own, or none." };
            }

            RecordedSteps[] ranks = [.. logs.Select(RecordedSteps.Read)];
            outcome = outcome with { SampleNoun = ranks[0].SampleNoun, Ranks = [.. ranks.Select(rank => Wanted(rank.Steps))] };
        }
        catch (MetricsFormatException error)
        {
            return outcome with { Failure = $"{error.Message.TrimEnd('.')}. Write one JSON object a line, with step, loss, batch_size and timestamp." };
        }

        // Ranks that are ended at any moment stand at different steps.
        int common = outcome.Ranks.Min(rank => rank.Count);
        return enough ? outcome with { Ranks = [.. outcome.Ranks.Select(rank => rank.Take(common).ToArray())] }
            : Array.FindIndex([.. outcome.Ranks], rank => rank.Count != outcome.Ranks[0].Count) is >= 0 and int other
            ? outcome with { Failure = $"rank {Text(other)} wrote {Text(outcome.Ranks[other].Count)} steps, and rank 0 {Text(outcome.Ranks[0].Count)}. Let every rank write every step." }
            : outcome;
    }

    private StepMetrics[] Wanted(IReadOnlyList<StepMetrics> steps) => [.. steps.Where(step => step.Step <= settings.Steps)];

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>What became of a run of any program.</summary>
public sealed record ProgramOutcome
{
    /// <summary>Why the run failed, in one line; null when it did not.</summary>
    public string? Failure { get; init; }

    /// <summary>When its processes were started.</summary>
    public required DateTimeOffset StartTime { get; init; }

    /// <summary>Seconds from the start of the processes to the end of the last: starting the program is inside.</summary>
    public double WallSeconds { get; init; }

    /// <summary>
    /// The steps that every rank wrote, rank 0's first, at most <see cref="ProgramRunSettings.Steps"/>; empty when the program wrote none. The first step may lack
    /// its time, see <see cref="RecordedSteps"/>.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<StepMetrics>> Ranks { get; init; } = [];

    /// <summary>What the program calls a sample; null where it does not say.</summary>
    public string? SampleNoun { get; init; }
}

/// <summary>Reads a log that another process is writing. What is wrong with a line is told when the run is over and the file is read as a whole.</summary>
internal sealed class StepTail(string path, int rank)
{
    private readonly RecordedSteps _steps = new(rank);
    private readonly System.Text.StringBuilder _text = new();
    private long _position;

    /// <summary>The number of the last step that was read; null before the first.</summary>
    public long? LastStep => _steps.Steps.Count > 0 ? _steps.Steps[^1].Step : null;

    /// <summary>The steps that were written since the last time.</summary>
    public IReadOnlyList<StepMetrics> ReadNew()
    {
        int before = _steps.Steps.Count;
        if (!File.Exists(path))
        {
            return [];
        }

        using (var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete))
        {
            file.Seek(_position, SeekOrigin.Begin);
            using var reader = new StreamReader(file);
            _text.Append(reader.ReadToEnd());
            _position = file.Position;
        }

        string[] lines = _text.ToString().Split('\n');
        _text.Clear().Append(lines[^1]);
        foreach (string line in lines[..^1])
        {
            _steps.Add(line);
        }

        return [.. _steps.Steps.Skip(before)];
    }
}
