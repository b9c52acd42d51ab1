using System.Diagnostics;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// A store in a file, for processes of one machine or of machines that share a file system which takes locks (PyTorch's
/// <c>FileStore</c>). Nobody has to serve it. A process that ends at any moment, also while writing, leaves the file usable.
/// </summary>
/// <remarks>
/// The file grows with each <see cref="Set(string, ReadOnlySpan{byte})"/>, <see cref="Add"/>,
/// <see cref="CompareSet(string, ReadOnlySpan{byte}, ReadOnlySpan{byte})"/> and <see cref="Delete"/>: it is meant for meeting,
/// not for traffic. The file is created for its user alone (mode 0600). It needs no secret: who may write the file belongs to
/// the job, so put it into a folder that only the job's user may write to. A wait looks at the file every 10 ms at most.
/// </remarks>
public sealed class FileStore : Store
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(1);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(10);

    // Leaving must not hold up the end of a process for long.
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _disposing = new();
    private readonly string _path;
    private readonly int? _worldSize;
    private readonly string _generation;
    private readonly FileStoreLog _log;
    private bool _disposed;

    /// <summary>Opens the file, and creates it when there is none.</summary>
    /// <param name="path">The file, in a folder that exists; new for each job.</param>
    /// <param name="worldSize">How many processes open it: the last one to close it deletes it. Null: nobody does.</param>
    /// <param name="timeout">How long waits last unless told otherwise, and how long to try to lock the file; null: 5 minutes.</param>
    /// <param name="generation">
    /// Which start of the job this is, the same text in all its processes; default "". The processes of each generation are
    /// counted apart, so that a job which is started again may use the file that its first start left. The keys are common to all:
    /// put a <see cref="PrefixStore"/> in front to keep them apart.
    /// </param>
    /// <exception cref="RendezvousException">The file cannot be used, or more than <paramref name="worldSize"/> processes opened it, an earlier job's, say.</exception>
    public FileStore(string path, int? worldSize = null, TimeSpan? timeout = null, string generation = "")
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(generation);
        ArgumentOutOfRangeException.ThrowIfLessThan(worldSize ?? 1, 1, nameof(worldSize));
        _path = Path.GetFullPath(path);
        _worldSize = worldSize;
        _generation = generation;
        Timeout = timeout ?? DefaultTimeout;
        _log = new FileStoreLog(_path, Timeout);
        _log.Open(log =>
        {
            int others = log.Joined.GetValueOrDefault(generation);
            return others < worldSize || worldSize is null
                ? [new FileStoreRecord(FileStoreRecordKind.Joined, generation, [])]
                : throw new RendezvousException(FormattableString.Invariant(
                    $"the store's file is already in use ({_path}: {others} processes of {worldSize} have opened it). An earlier job left it, or too many processes were started: delete it, or give each job a file of its own."));
        });
    }

    /// <inheritdoc/>
    public override TimeSpan Timeout { get; }

    /// <inheritdoc/>
    public override void Set(string key, ReadOnlySpan<byte> value)
    {
        RequireKey(key);
        RequireValue(value.Length);
        var record = new FileStoreRecord(FileStoreRecordKind.Set, key, value.ToArray());
        Update(_ => [record]);
    }

    /// <inheritdoc/>
    public override byte[] Get(string key, TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        RequireKey(key);
        return Await([key], timeout ?? Timeout, values => (byte[])[.. values.Find(key)!], cancellation);
    }

    /// <inheritdoc/>
    public override long Add(string key, long amount)
    {
        RequireKey(key);
        long sum = 0;
        Update(log =>
        {
            sum = log.Values.SumWith(key, amount) ?? throw new DistributedException($"the store in {_path} refused: {StoreValues.NoCounter(key)}.");
            return [new FileStoreRecord(FileStoreRecordKind.Set, key, StoreValues.Digits(sum))];
        });
        return sum;
    }

    /// <inheritdoc/>
    public override byte[] CompareSet(string key, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> desired)
    {
        RequireKey(key);
        RequireValue(Math.Max(expected.Length, desired.Length));
        byte[] old = expected.ToArray(), result = desired.ToArray();
        Update(log =>
        {
            if (log.Values.Meets(key, old))
            {
                return [new FileStoreRecord(FileStoreRecordKind.Set, key, [.. result])];
            }

            result = [.. log.Values.Find(key) ?? old];
            return [];
        });
        return result;
    }

    /// <inheritdoc/>
    public override bool Delete(string key)
    {
        RequireKey(key);
        bool existed = false;
        Update(log =>
        {
            existed = log.Values.Contains(key);
            return existed ? [new FileStoreRecord(FileStoreRecordKind.Delete, key, [])] : [];
        });
        return existed;
    }

    /// <inheritdoc/>
    public override bool Contains(IReadOnlyList<string> keys)
    {
        RequireKeys(keys);
        return Look(values => keys.All(values.Contains));
    }

    /// <inheritdoc/>
    public override int CountKeys() => Look(values => values.Count);

    /// <inheritdoc/>
    public override void Wait(IReadOnlyList<string> keys, TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        RequireKeys(keys);
        Await(keys, timeout ?? Timeout, _ => true, cancellation);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _disposed = true;
                _disposing.Set();
                Leave();
            }
        }

        base.Dispose(disposing);
    }

    private void Leave()
    {
        if (_worldSize is null)
        {
            return;
        }

        var left = new FileStoreRecord(FileStoreRecordKind.Left, _generation, []);
        try
        {
            _log.Update(
                log => log.Left.GetValueOrDefault(_generation) + 1 == _worldSize ? [left, new FileStoreRecord(FileStoreRecordKind.Closed, "", [])] : [left],
                LeaveTimeout);
        }
        catch (RendezvousException)
        {
            // Somebody deleted the file already, or holds it: then it stays, which harms no one. The job's own result stands.
        }
    }

    private void Update(Func<FileStoreLog, FileStoreRecord[]> change)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _log.Update(change);
        }
    }

    private T Look<T>(Func<StoreValues, T> look)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _log.Refresh();
            return look(_log.Values);
        }
    }

    private T Await<T>(IReadOnlyList<string> keys, TimeSpan timeout, Func<StoreValues, T> found, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan pause = FirstPause;
        while (true)
        {
            (string[] missing, T? result) = Look(values =>
            {
                string[] absent = [.. keys.Where(key => !values.Contains(key)).Distinct(StringComparer.Ordinal)];
                return (absent, absent.Length == 0 ? found(values) : default);
            });
            if (missing.Length == 0)
            {
                return result!;
            }

            TimeSpan left = timeout - Stopwatch.GetElapsedTime(start);
            if (left <= TimeSpan.Zero)
            {
                throw new StoreTimeoutException(missing, timeout);
            }

            // Not a watch on the file: those do not work on shared file systems.
            _disposing.Wait(left < pause ? left : pause, cancellation);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }
}
