namespace Convoy.Distributed.Diagnostics;

/// <summary>
/// Remembers the last operations of a rank (PyTorch's flight recorder) and writes them to a file when one fails, so that the
/// ranks can be compared afterwards: <see cref="FlightRecorderAnalysis"/>. Remembering one costs some nanoseconds and no memory.
/// </summary>
/// <remarks>
/// <see cref="ProcessGroups.FromEnvironment"/> makes one for every job of several ranks. <c>CONVOY_FLIGHT_RECORDER_DIR</c> names the
/// folder for the files (none: nothing is written), <c>TORCH_FR_BUFFER_SIZE</c> how many operations to remember (0: none). The
/// file is also written when the process ends with an exit code other than 0, as the rank with the error is often not one of
/// those that wait.
/// </remarks>
public sealed class FlightRecorder : IOperationObserver
{
    /// <summary>How many operations are remembered unless told otherwise; as in PyTorch.</summary>
    public const int DefaultCapacity = 2000;

    private readonly Work?[] _ring;
    private readonly int _rank;
    private readonly int _size;
    private readonly string? _directory;
    private readonly TimeProvider _time;
    private readonly Lock _writing = new();
    private long _begun;
    private bool _written;

    /// <param name="rank">This process's number.</param>
    /// <param name="size">How many ranks the job has.</param>
    /// <param name="directory">Where to write; null: nowhere.</param>
    /// <param name="capacity">How many operations to remember, at least 1. Default: 2000.</param>
    /// <param name="time">The clock for the file's date; null: the system's.</param>
    public FlightRecorder(int rank, int size, string? directory = null, int capacity = DefaultCapacity, TimeProvider? time = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(rank, size);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _rank = rank;
        _size = size;
        _directory = directory;
        _ring = new Work?[capacity];
        _time = time ?? TimeProvider.System;
    }

    /// <summary>Why the file could not be written; null when it could, or was not asked for. The error that was to be explained is more important than this one.</summary>
    public Exception? WriteError { get; private set; }

    /// <summary>The operations that are remembered, in the order in which they began.</summary>
    public IReadOnlyList<FlightRecord> Operations
    {
        get
        {
            long end = Interlocked.Read(ref _begun), first = Math.Max(0, end - _ring.Length);
            List<FlightRecord> records = [];
            for (long at = first; at < end; at++)
            {
                if (Volatile.Read(ref _ring[at % _ring.Length]) is { } work)
                {
                    records.Add(FlightRecord.From(work));
                }
            }

            return records;
        }
    }

    /// <inheritdoc/>
    public void Started(Work work) => Volatile.Write(ref _ring[(Interlocked.Increment(ref _begun) - 1) % _ring.Length], work);

    /// <inheritdoc/>
    public void Finished(Work work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (work.Error is { } error)
        {
            Write(error.Message);
        }
    }

    /// <summary>Writes the file, unless it was written before or there is no folder for it: the first reason is the one that counts.</summary>
    /// <param name="reason">Why, for the reader of the file.</param>
    public void Write(string reason)
    {
        lock (_writing)
        {
            if (_directory is null || _written)
            {
                return;
            }

            _written = true;
            try
            {
                new FlightRecording(_rank, _size, Environment.ProcessId, _time.GetUtcNow(), reason, Operations).Write(_directory);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                WriteError = error;
            }
        }
    }

    /// <summary>Has the file written when this process ends with an error that nothing else told the recorder.</summary>
    internal void WriteWhenProcessFails()
    {
        if (_directory is not null)
        {
            AppDomain.CurrentDomain.UnhandledException += (_, failure) => Write($"unhandled: {(failure.ExceptionObject as Exception)?.Message}");
            AppDomain.CurrentDomain.ProcessExit += (_, _) =>
            {
                if (Environment.ExitCode != 0)
                {
                    Write(FormattableString.Invariant($"the process ended with exit code {Environment.ExitCode}"));
                }
            };
        }
    }
}
