using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Convoy.Distributed.Launch.Processes;

namespace Convoy.Distributed.Launch;

/// <summary>One worker: its process, and the threads that read what it writes.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private readonly Process _process;
    private readonly RankLog? _log;
    private readonly Action<WorkerOutputLine>? _onOutput;
    private readonly LastLines _outputLines;
    private readonly LastLines _errorLines;
    private readonly string _errorFile;
    private readonly int _nodeRank;

    private WorkerProcess(Process process, int localRank, WorkerEnvironment environment, RankLog? log, Action<WorkerOutputLine>? onOutput)
    {
        LauncherOptions options = environment.Options;
        _errorFile = environment.ErrorFile(localRank);
        _nodeRank = environment.Place.NodeRank;
        _process = process;
        _log = log;
        _onOutput = onOutput;
        _outputLines = new LastLines(options.LastLines);
        _errorLines = new LastLines(options.LastLines);
        Rank = environment.RankOf(localRank);
        LocalRank = localRank;
        ProcessId = process.Id;
        Reading = options.ReadsOutput
            ? [Read(process.StandardOutput, WorkerOutputStream.Output), Read(process.StandardError, WorkerOutputStream.Error)]
            : [];
        Exited = process.WaitForExitAsync();
    }

    /// <summary>The worker's rank.</summary>
    public int Rank { get; }

    /// <summary>The worker's number on this machine.</summary>
    public int LocalRank { get; }

    /// <summary>The worker's process id, also after its end.</summary>
    public int ProcessId { get; }

    /// <summary>Ends with the process.</summary>
    public Task Exited { get; }

    /// <summary>The two readers; each ends when no process holds the stream any more, or fails with the callback's or the log's error.</summary>
    public IReadOnlyList<Task> Reading { get; }

    /// <summary>128 + the signal's number when a signal ended the process; only once it has ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>When the process ended, UTC; only once it has.</summary>
    public DateTime ExitTime => _process.ExitTime.ToUniversalTime();

    /// <summary>What the worker recorded of its failure, or null.</summary>
    public WorkerError? Error => WorkerErrorFile.Read(_errorFile);

    /// <summary>Starts the worker <paramref name="localRank"/> of this machine.</summary>
    /// <exception cref="LaunchException">The program could not be started.</exception>
    public static WorkerProcess Start(int localRank, WorkerEnvironment environment, Action<WorkerOutputLine>? onOutput)
    {
        LauncherOptions options = environment.Options;
        var start = new ProcessStartInfo(options.Program.FileName, options.Program.Arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = options.ReadsOutput,
            RedirectStandardError = options.ReadsOutput,
        };
        if (options.ReadsOutput)
        {
            start.StandardOutputEncoding = Encoding.UTF8;
            start.StandardErrorEncoding = Encoding.UTF8;
        }

        foreach ((string name, string? value) in environment.Variables(localRank))
        {
            start.Environment[name] = value;
        }

        RankLog? log = OpenLog(environment.RankOf(localRank), environment);
        var process = new Process { StartInfo = start };
        try
        {
            // The child inherits the affinity of the thread that starts it.
            using IDisposable? binding = environment.Cores?.Bind(localRank);
            process.Start();
        }
        catch (Win32Exception refusal)
        {
            process.Dispose();
            log?.Dispose();
            throw StartFailure.Explain(options.Program, refusal);
        }

        // N readers of one terminal would take each other's input: every worker reads an empty one.
        process.StandardInput.Close();
        return new WorkerProcess(process, localRank, environment, log, onOutput);
    }

    /// <summary>Sends a signal, unless the process has ended.</summary>
    public void Send(int signal) => Signal.Send(_process, signal);

    /// <summary>Whether the worker's process ignores a signal; false where the system does not tell.</summary>
    public bool Ignores(int signal) => Signal.IsIgnored(ProcessId, signal);

    /// <summary>What to say about this worker when it failed; after its output was read to the end.</summary>
    public WorkerFailure Failure()
    {
        IReadOnlyList<string> errors = _errorLines.ToList();
        WorkerError? error = Error;
        return new WorkerFailure(Rank, ProcessId, ExitCode, Signal.NameOfExitCode(ExitCode), errors.Count > 0 ? errors : _outputLines.ToList(), error?.Message)
        {
            LocalRank = LocalRank,
            NodeRank = _nodeRank,
            Host = Environment.MachineName,
            Time = new DateTimeOffset(error?.Time ?? ExitTime, TimeSpan.Zero),
            Callstack = error?.Callstack,
            LostPeer = error is { PeerLost: true },
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Dispose();
        _log?.Dispose();
    }

    private static RankLog? OpenLog(int rank, WorkerEnvironment environment)
    {
        if (environment.Options.LogDirectory is not { } directory)
        {
            return null;
        }

        try
        {
            return new RankLog(directory, rank, append: environment.Restart > 0);
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            throw RankLog.CannotWrite(directory, refusal);
        }
    }

    // A thread of its own: reading a pipe blocks, and 2 N blocked threads would starve the thread pool.
    private Task Read(StreamReader reader, WorkerOutputStream stream) => Task.Factory.StartNew(
        () =>
        {
            LastLines lines = stream == WorkerOutputStream.Error ? _errorLines : _outputLines;
            while (reader.ReadLine() is { } line)
            {
                lines.Add(line);
                _log?.Write(line);
                _onOutput?.Invoke(new WorkerOutputLine(Rank, stream, line, LocalRank));
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);
}

/// <summary>Keeps the last lines of a stream.</summary>
internal sealed class LastLines(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Queue<string> _lines = new();

    /// <summary>Adds a line, dropping the oldest when there are too many.</summary>
    public void Add(string line)
    {
        lock (_lock)
        {
            _lines.Enqueue(line);
            if (_lines.Count > capacity)
            {
                _lines.Dequeue();
            }
        }
    }

    /// <summary>The lines kept, oldest first.</summary>
    public IReadOnlyList<string> ToList()
    {
        lock (_lock)
        {
            return [.. _lines];
        }
    }
}
