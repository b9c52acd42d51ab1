using System.Diagnostics;
using System.Globalization;

namespace Convoy.Distributed.Diagnostics;

/// <summary>
/// Records where the time of a few steps goes on this rank: the phases that the training loop names, and every operation of the
/// process groups that it observes, with waiting for the slowest rank apart from moving data. <see cref="TraceFile.Merge"/>
/// puts the files of all ranks on one time line for chrome://tracing or Perfetto.
/// </summary>
/// <remarks>
/// The training loop calls <see cref="StartStep"/> at the start of each step and <see cref="Lap(string)"/> at the end of each phase, from
/// one thread. Outside of the steps that are traced both cost next to nothing. The file is written when the last step is over, or
/// when the recorder is disposed before.
/// </remarks>
public sealed class TraceRecorder : IOperationObserver, IDisposable
{
    /// <summary>The variable with the steps to trace, for example <c>3-5</c>.</summary>
    public const string StepsVariable = "CONVOY_TRACE_STEPS";

    /// <summary>The variable that names the folder for the ranks' files.</summary>
    public const string DirectoryVariable = "CONVOY_TRACE_DIR";

    /// <summary>The track of the training loop.</summary>
    internal const string LoopTrack = "training loop";

    /// <summary>The track of a group's collective operations: this and the group's name.</summary>
    internal const string CommunicationTrack = "communication";

    private readonly int _rank;
    private readonly string _path;
    private readonly TraceSteps _steps;
    private readonly Lock _gate = new();
    private readonly List<TraceEvent> _events = [];
    private int _step;
    private long _stepStart;
    private long _lapStart;
    private bool _written;

    /// <param name="rank">This process's number.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="steps">The steps to trace; null: 3 to 5.</param>
    public TraceRecorder(int rank, string path, TraceSteps? steps = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentException.ThrowIfNullOrEmpty(path);
        _rank = rank;
        _path = path;
        _steps = steps ?? TraceSteps.Default;
    }

    private bool IsTracing => _step >= _steps.First && _step <= _steps.Last;

    /// <summary>The recorder that the environment asks for: CONVOY_TRACE_DIR and CONVOY_TRACE_STEPS (default 3-5). Null when it asks for none.</summary>
    /// <param name="group">The ranks; their operations are recorded.</param>
    /// <exception cref="RendezvousException">CONVOY_TRACE_STEPS is wrong.</exception>
    public static TraceRecorder? FromEnvironment(ProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        if (Environment.GetEnvironmentVariable(DirectoryVariable) is not { Length: > 0 } directory)
        {
            return null;
        }

        TraceSteps steps = TraceSteps.Default;
        if (Environment.GetEnvironmentVariable(StepsVariable) is { Length: > 0 } text && !TraceSteps.TryParse(text, out steps))
        {
            throw new RendezvousException($"environment variable {StepsVariable} is invalid ({text}). Set it to a step or a range of steps such as 3-5.");
        }

        var recorder = new TraceRecorder(group.Rank, TraceFile.PathFor(directory, group.Rank), steps);
        group.Observe(recorder);
        return recorder;
    }

    /// <summary>Ends the step before, if any, and begins the next one, which is number 1 the first time. A step in which nothing has happened yet starts over.</summary>
    public void StartStep()
    {
        bool empty = _stepStart != 0 && _lapStart == _stepStart;
        EndStep();
        _step += empty ? 0 : 1;
        _stepStart = _lapStart = Stopwatch.GetTimestamp();
        if (_step > _steps.Last)
        {
            Write();
        }
    }

    /// <summary>Ends a phase of the step, which began when the one before ended.</summary>
    /// <param name="phase">What to call it: <c>forward</c>.</param>
    public void Lap(string phase) => Lap(phase, Stopwatch.GetTimestamp());

    /// <summary>Ends a phase whose length was measured, and which so was over earlier; what follows belongs to the next phase.</summary>
    /// <param name="phase">What to call it.</param>
    /// <param name="length">How long it took from the end of the phase before; at most until now.</param>
    public void Lap(string phase, TimeSpan length) =>
        Lap(phase, Math.Min(Stopwatch.GetTimestamp(), _lapStart + (long)(length.TotalSeconds * Stopwatch.Frequency)));

    /// <summary>Ends the step; what comes until <see cref="StartStep"/> belongs to none.</summary>
    public void EndStep()
    {
        if (IsTracing && _stepStart != 0 && _lapStart > _stepStart)
        {
            Add(new TraceEvent(LoopTrack, string.Create(CultureInfo.InvariantCulture, $"step {_step}"), _stepStart, _lapStart));
        }

        _stepStart = 0;
    }

    /// <inheritdoc/>
    public void Started(Work work)
    {
        // All is known when it is finished.
    }

    /// <inheritdoc/>
    public void Finished(Work work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (!IsTracing)
        {
            return;
        }

        Operation operation = work.Operation;
        string track = operation.Kind switch
        {
            OperationKind.Send => string.Create(CultureInfo.InvariantCulture, $"messages to rank {operation.Peer} {work.Group}"),
            OperationKind.Receive => string.Create(CultureInfo.InvariantCulture, $"messages from rank {operation.Peer} {work.Group}"),
            _ => $"{CommunicationTrack} {work.Group}",
        };
        Add(new TraceEvent(track, Name(operation), work.StartedTimestamp, work.FinishedTimestamp, operation, work.QueuedTimestamp));
        // In a group of one there is no wait, and the two are the same.
        if (work.AllArrivedTimestamp != 0 && work.AllArrivedTimestamp != work.StartedTimestamp)
        {
            Add(new TraceEvent(track, "wait for the slowest rank", work.StartedTimestamp, work.AllArrivedTimestamp));
            Add(new TraceEvent(track, "move", work.AllArrivedTimestamp, work.FinishedTimestamp));
        }
    }

    /// <summary>Writes the file, unless that is done.</summary>
    public void Dispose()
    {
        EndStep();
        Write();
    }

    private static string Name(Operation operation) => operation.Bytes switch
    {
        0 => operation.Kind.ToString(),
        < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{operation.Kind} {operation.Bytes} B"),
        < 10_000_000 => string.Create(CultureInfo.InvariantCulture, $"{operation.Kind} {operation.Bytes / 1e3:0} kB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{operation.Kind} {operation.Bytes / 1e6:0.0} MB"),
    };

    private void Lap(string phase, long end)
    {
        if (IsTracing)
        {
            Add(new TraceEvent(LoopTrack, phase, _lapStart, end));
        }

        _lapStart = end;
    }

    private void Add(TraceEvent item)
    {
        lock (_gate)
        {
            _events.Add(item);
        }
    }

    private void Write()
    {
        lock (_gate)
        {
            if (!_written)
            {
                _written = true;
                TraceFile.Write(_path, _rank, _events);
                _events.Clear();
            }
        }
    }
}

/// <summary>The steps to trace, counted from 1, both included.</summary>
/// <param name="First">The first; at least 1.</param>
/// <param name="Last">The last; at least <paramref name="First"/>.</param>
public readonly record struct TraceSteps(int First, int Last)
{
    /// <summary>Steps 3 to 5: the first ones set up kernels and buffers.</summary>
    public static TraceSteps Default { get; } = new(3, 5);

    /// <summary>Reads <c>4</c> or <c>3-5</c>.</summary>
    /// <returns>Whether <paramref name="text"/> is of that form.</returns>
    public static bool TryParse(string text, out TraceSteps steps)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('-');
        int last = 0;
        bool valid = parts.Length <= 2 && Number(parts[0], out int first) & Number(parts[^1], out last) && first <= last;
        steps = valid ? new TraceSteps(int.Parse(parts[0], CultureInfo.InvariantCulture), last) : Default;
        return valid;

        static bool Number(string part, out int number) => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= 1;
    }

    /// <summary>For example <c>3-5</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}");
}

/// <summary>Something that took time. Time stamps are those of <see cref="System.Diagnostics.Stopwatch.GetTimestamp"/>.</summary>
/// <param name="Track">The line on which to draw it.</param>
/// <param name="Name">What it is.</param>
/// <param name="Start">When it began.</param>
/// <param name="End">When it ended.</param>
/// <param name="Operation">The operation of a process group that it belongs to; null for others.</param>
/// <param name="Queued">When the operation was asked for; otherwise 0.</param>
internal readonly record struct TraceEvent(string Track, string Name, long Start, long End, Operation? Operation = null, long Queued = 0);
