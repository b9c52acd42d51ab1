using System.Diagnostics;
using System.Globalization;
using Convoy.Training.Checkpoints;
using Convoy.Metrics;

namespace Convoy.Stress.Kills;

/// <summary>One run that is killed once to three times and resumed until it ends, and what must then be there: what the unbroken run left, and nothing else.</summary>
internal sealed class KillTrial
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly UnbrokenRun _unbroken;
    private readonly string _data;
    private readonly string _run;
    private readonly string _temporary;
    private readonly double _aim;
    private readonly Random _random;
    private readonly MarkedProcesses _processes;
    private readonly List<string> _story = [];
    private bool _guardKilled;

    /// <param name="seed">Decides everything but time.</param>
    /// <param name="unbroken">What is to come out.</param>
    /// <param name="data">The data.</param>
    /// <param name="folder">An empty folder for the trial.</param>
    /// <param name="aim">The share of kills aimed into a checkpoint's writing.</param>
    public KillTrial(int seed, UnbrokenRun unbroken, string data, string folder, double aim)
    {
        _random = new Random(seed);
        (_unbroken, _data, _aim) = (unbroken, data, aim);
        _run = Path.Combine(folder, "run");
        _temporary = Directory.CreateDirectory(Path.Combine(folder, "temporary")).FullName;
        _processes = new MarkedProcesses(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{seed}"));
    }

    /// <summary>Kills that met a living run.</summary>
    public int Kills { get; private set; }

    /// <summary>Those of them that met a checkpoint's writing.</summary>
    public int KillsInCheckpoints { get; private set; }

    /// <summary>Sessions that went on with the run.</summary>
    public int Resumes { get; private set; }

    /// <summary>What happened, a line each.</summary>
    public IReadOnlyList<string> Story => _story;

    /// <summary>Runs the trial.</summary>
    /// <returns>What is wrong; empty when nothing is.</returns>
    public async Task<IReadOnlyList<string>> RunAsync()
    {
        string[] sharedMemory = SharedMemoryNames();
        try
        {
            int planned = _random.Next(1, 4);
            while (await RunSessionAsync(kill: Kills < planned) is { } end)
            {
                if (end.Problem is not null)
                {
                    return [end.Problem];
                }

                if (end.Done)
                {
                    return [.. await ProblemsAtTheEndAsync(sharedMemory)];
                }
            }

            return ["a session did not end"];
        }
        finally
        {
            _processes.KillAll();
        }
    }

    private async Task<(bool Done, string? Problem)?> RunSessionAsync(bool kill)
    {
        bool resume = File.Exists(Path.Combine(_run, "config.json"));
        Resumes += resume ? 1 : 0;
        string[] arguments = resume ? ["train", "--resume", _run] : Session.NewRun(_data, _run, _unbroken.Processes, keep: 1 + _random.Next(2));
        using var session = Session.Start(arguments, _processes.Mark, _temporary);
        _story.Add(resume ? "resumed" : "started");
        bool killed = kill && await KillAsync(session);
        if (await session.EndAsync(Patience) is not { } end)
        {
            return null;
        }

        if (!killed)
        {
            _story.Add(string.Create(CultureInfo.InvariantCulture, $"ended with {end.Code}"));

            // The one before may have been killed when its run was complete and only its process had not ended yet.
            bool wasComplete = Kills > 0 && end.Code == 2 && end.Error.Contains("the run is already that far", StringComparison.Ordinal);
            return end.Code == 0 || wasComplete ? (true, null) : (false, $"{_story[^2]}, it ended with {end.Code}: {end.Error}{end.Output}");
        }

        // At once: what the killed launcher left may still be ending.
        if (_random.Next(2) == 0)
        {
            return (false, null);
        }

        IReadOnlyList<(int Id, string Command)> left = await _processes.WaitForEndAsync(TimeSpan.FromSeconds(60));
        return (false, left.Count > 0 ? $"a process is left after a kill: {left[0].Id} {left[0].Command}" : DamagedCheckpoint());
    }

    private async Task<bool> KillAsync(Session session)
    {
        bool aimed = _random.NextDouble() < _aim;
        double delay = _random.NextDouble() * (aimed ? 1.2 * _unbroken.CheckpointSeconds : _unbroken.Seconds);
        int victim = _random.Next(3);
        var watch = new CheckpointWatch(_run);
        if (aimed)
        {
            while (!session.HasEnded && !watch.IsWriting())
            {
                await Task.Delay(1);
            }
        }

        long start = Stopwatch.GetTimestamp();
        while (!session.HasEnded && Stopwatch.GetElapsedTime(start).TotalSeconds < delay)
        {
            await Task.Delay(1);
        }

        IReadOnlyList<int> workers = victim == 1 ? _processes.Workers() : [];
        bool writing = watch.IsWriting();
        if (session.HasEnded)
        {
            return false;
        }

        string whom = "the launcher";
        if (victim == 2)
        {
            whom = "all processes";
            _guardKilled = true;
            _processes.KillAll();
        }
        else if (workers.Count > 0)
        {
            whom = "a worker";
            MarkedProcesses.Kill(workers[_random.Next(workers.Count)]);
        }
        else
        {
            MarkedProcesses.Kill(session.Launcher);
        }

        Kills++;
        KillsInCheckpoints += writing ? 1 : 0;
        _story.Add(string.Create(CultureInfo.InvariantCulture, $"killed {whom}{(writing ? " in a checkpoint's writing" : string.Empty)}, {delay:0.000} s after the {(aimed ? "writing's" : "session's")} start"));
        return true;
    }

    // Looked at with Convoy's own eyes, and against the bytes of the unbroken run.
    private string? DamagedCheckpoint()
    {
        string folder = Path.Combine(_run, "checkpoints");
        foreach (string checkpoint in Directory.Exists(folder) ? Directory.GetDirectories(folder, "step-*") : [])
        {
            try
            {
                Checkpoint.Open(checkpoint).Verify();
                if (UnbrokenRun.SumOf(checkpoint) != _unbroken.Checkpoints[Path.GetFileName(checkpoint)])
                {
                    return $"{checkpoint} has other bytes than that of the unbroken run";
                }
            }
            catch (Exception error) when (error is Convoy.Training.BadInputException or IOException or KeyNotFoundException)
            {
                return $"{checkpoint}: {error.Message}";
            }
        }

        return null;
    }

    private async Task<List<string>> ProblemsAtTheEndAsync(string[] sharedMemory)
    {
        var problems = new List<string>();
        IReadOnlyList<(int Id, string Command)> left = await _processes.WaitForEndAsync(TimeSpan.FromSeconds(60));
        problems.AddRange(left.Select(process => $"a process is left: {process.Id} {process.Command}"));
        if (DamagedCheckpoint() is { } damaged)
        {
            problems.Add(damaged);
        }

        string newest = "step-" + UnbrokenRun.Steps.ToString("D6", CultureInfo.InvariantCulture);
        if (!Directory.Exists(Path.Combine(_run, "checkpoints", newest)))
        {
            problems.Add($"there is no {newest}");
        }

        for (int rank = 0; rank < _unbroken.Processes; rank++)
        {
            CheckRecord(StepMetricsLog.Read(Path.Combine(_run, string.Create(CultureInfo.InvariantCulture, $"metrics_rank{rank}.jsonl"))), $"rank {rank}'s file", problems);
        }

        CheckRecord(MetricsFile.Read(Path.Combine(_run, "metrics.json")).Metrics, "metrics.json", problems);
        problems.AddRange(Directory.GetFileSystemEntries(_run, "*", SearchOption.AllDirectories)
            .Where(entry => Path.GetFileName(entry).StartsWith('.') || entry.EndsWith(".tmp", StringComparison.Ordinal) || entry.Contains(".set-aside", StringComparison.Ordinal))
            .Select(entry => $"left behind: {entry}"));

        // Who removes the temporary files of a killed launcher may have been killed with it.
        problems.AddRange(_guardKilled ? [] : Directory.GetFileSystemEntries(_temporary).Select(entry => $"left behind: {entry}"));
        problems.AddRange(SharedMemoryNames().Except(sharedMemory).Where(IsNobodys).Select(name => $"left behind: {name}"));
        return problems;
    }

    private void CheckRecord(IReadOnlyList<StepMetrics> steps, string where, List<string> problems)
    {
        if (!steps.Select(step => step.Step).SequenceEqual(Enumerable.Range(1, UnbrokenRun.Steps).Select(step => (long)step)))
        {
            problems.Add($"{where} has the steps {string.Join(' ', steps.Select(step => step.Step))}");
        }
        else if (!steps.Select(step => step.Loss).SequenceEqual(_unbroken.Losses))
        {
            problems.Add($"{where} has other losses than the unbroken run");
        }
    }

    private static string[] SharedMemoryNames() => Directory.Exists("/dev/shm") ? Directory.GetFileSystemEntries("/dev/shm", "convoy*") : [];

    // A run beside the trial, of another program on the machine, has its memory mapped.
    private static bool IsNobodys(string name)
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            try
            {
                if (File.ReadAllText(Path.Combine(folder, "maps")).Contains(name, StringComparison.Ordinal))
                {
                    return false;
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is another user's.
            }
        }

        return File.Exists(name);
    }
}
