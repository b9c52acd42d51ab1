using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// The file of a <see cref="FileStore"/>: records are only ever added, under a lock on the file that the system releases when
/// its holder ends, and every process replays what the others added. One thread at a time uses it.
/// </summary>
internal sealed class FileStoreLog
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(1);

    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(10);

    private readonly string _path;
    private readonly TimeSpan _timeout;
    private long _position;

    /// <param name="path">The file.</param>
    /// <param name="timeout">How long to try to get the lock.</param>
    public FileStoreLog(string path, TimeSpan timeout)
    {
        _path = path;
        _timeout = timeout;
    }

    private static ReadOnlySpan<byte> Header => "convoy-filestore-1\n"u8;

    public StoreValues Values { get; } = new();

    /// <summary>How many processes opened the store, by generation.</summary>
    public Dictionary<string, int> Joined { get; } = new(StringComparer.Ordinal);

    /// <summary>How many of them closed it again.</summary>
    public Dictionary<string, int> Left { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether the last process of a generation closed the store.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>
    /// Creates the file if need be and reads it from its start, then lets <paramref name="change"/> add records. A file that is
    /// about to be deleted is left alone for a new one.
    /// </summary>
    /// <exception cref="RendezvousException">The file cannot be used.</exception>
    public void Open(Func<FileStoreLog, FileStoreRecord[]> change)
    {
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            using (FileStream file = Lock(FileMode.OpenOrCreate, exclusive: true, start, _timeout))
            {
                Replay(file);
                if (!IsClosed)
                {
                    Append(file, change(this));
                    return;
                }
            }

            // Its last process marked it and ended before it could delete it, or is about to.
            Reset();
            RemoveClosed(start);
        }
    }

    /// <summary>Replays what others added.</summary>
    /// <exception cref="RendezvousException">The file is gone, damaged, or stays locked.</exception>
    public void Refresh()
    {
        using FileStream file = Lock(FileMode.Open, exclusive: false, Stopwatch.GetTimestamp(), _timeout);
        Replay(file);
    }

    /// <summary>Replays what others added, lets <paramref name="change"/> look at <see cref="Values"/>, and adds its records, if any, in one indivisible step.</summary>
    /// <param name="change">Gives the records.</param>
    /// <param name="timeout">How long to try to get the lock; null: as usual.</param>
    /// <exception cref="RendezvousException">The file is gone, damaged, full, or stays locked.</exception>
    public void Update(Func<FileStoreLog, FileStoreRecord[]> change, TimeSpan? timeout = null)
    {
        using FileStream file = Lock(FileMode.Open, exclusive: true, Stopwatch.GetTimestamp(), timeout ?? _timeout);
        Replay(file);
        Append(file, change(this));
        if (IsClosed)
        {
            // Still locked: whoever opens the file meanwhile finds it marked as closed once the lock is free.
            File.Delete(_path);
        }
    }

    private void RemoveClosed(long start)
    {
        try
        {
            using FileStream file = Lock(FileMode.Open, exclusive: true, start, _timeout);
            Replay(file);
            if (IsClosed)
            {
                File.Delete(_path);
            }
        }
        catch (RendezvousException error) when (error.InnerException is FileNotFoundException)
        {
            // Its last process has deleted it in the meantime.
        }

        Reset();
    }

    private void Reset()
    {
        _position = 0;
        IsClosed = false;
        Joined.Clear();
        Left.Clear();
        Values.Clear();
    }

    private void Replay(FileStream file)
    {
        if (file.Length < _position)
        {
            throw new RendezvousException($"the store's file was replaced while in use ({_path}). Give each job a file of its own.");
        }

        try
        {
            file.Position = _position;
            if (_position == 0 && !ReadHeader(file))
            {
                return;
            }

            while (FileStoreRecord.Read(file) is { } record)
            {
                Apply(record);
            }

            _position = file.Position;
        }
        catch (InvalidDataException error)
        {
            throw new RendezvousException($"the file is not a Convoy store ({_path}: {error.Message}). Give a new file, in a folder that exists.", error);
        }
    }

    // False for a file that is new, or whose first writer ended within the header.
    private static bool ReadHeader(FileStream file)
    {
        byte[] start = new byte[Header.Length];
        int read = file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return Header.StartsWith(start.AsSpan(0, read))
            ? read == start.Length
            : throw new InvalidDataException("another beginning");
    }

    private void Append(FileStream file, FileStoreRecord[] records)
    {
        if (records.Length == 0)
        {
            return;
        }

        byte[] bytes = [.. _position == 0 ? Header : [], .. records.SelectMany(record => record.ToBytes())];
        try
        {
            // What follows the last whole record was written by a process that ended while writing.
            file.SetLength(_position);
            file.Position = _position;
            file.Write(bytes);
        }
        catch (IOException error)
        {
            throw new RendezvousException($"the store's file cannot be written ({_path}: {error.Message}). Make room, or give a file elsewhere.", error);
        }

        foreach (FileStoreRecord record in records)
        {
            Apply(record);
        }

        _position = file.Position;
    }

    private void Apply(FileStoreRecord record)
    {
        switch (record.Kind)
        {
            case FileStoreRecordKind.Set:
                Values.Set(record.Key, record.Value);
                break;
            case FileStoreRecordKind.Delete:
                Values.Delete(record.Key);
                break;
            case FileStoreRecordKind.Joined:
                Joined[record.Key] = Joined.GetValueOrDefault(record.Key) + 1;
                break;
            case FileStoreRecordKind.Left:
                Left[record.Key] = Left.GetValueOrDefault(record.Key) + 1;
                break;
            default:
                IsClosed = true;
                break;
        }
    }

    // Opening is locking: .NET takes flock's exclusive or shared lock on Unix, for FileShare.None and anything else, and the
    // share mode on Windows, where a file can only be deleted while it is open with FileShare.Delete. It does not wait.
    private FileStream Lock(FileMode mode, bool exclusive, long start, TimeSpan timeout)
    {
        var options = new FileStreamOptions
        {
            Mode = mode,
            Access = exclusive ? FileAccess.ReadWrite : FileAccess.Read,
            Share = !exclusive ? FileShare.Read | FileShare.Delete : OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None,
            BufferSize = 0,
        };
        if (mode == FileMode.OpenOrCreate && !OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var wait = new ManualResetEventSlim();
        TimeSpan pause = FirstPause;
        while (true)
        {
            try
            {
                return new FileStream(_path, options);
            }
            catch (IOException error) when (IsLocked(error))
            {
                if (Stopwatch.GetElapsedTime(start) >= timeout)
                {
                    throw new RendezvousException(FormattableString.Invariant(
                        $"the store's file stays locked for {timeout.TotalSeconds:0.###} s ({_path}). Check whether a process of the job is stopped."), error);
                }

                wait.Wait(pause);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                string remedy = error is FileNotFoundException ? "It was deleted while the job was using it: give each job a file of its own." : "Give a file in an existing folder that you may write to.";
                throw new RendezvousException($"the store's file cannot be opened ({_path}: {error.Message}). {remedy}", error);
            }
        }
    }

    // EWOULDBLOCK of Linux and of macOS; ERROR_SHARING_VIOLATION of Windows.
    private static bool IsLocked(IOException error) => error.HResult is 11 or 35 or unchecked((int)0x80070020);
}

/// <summary>
/// One record of a <see cref="FileStore"/>'s file: the length of what follows (4 bytes, little endian), the kind, the key's
/// length (2 bytes), the key, the value.
/// </summary>
internal sealed record FileStoreRecord(FileStoreRecordKind Kind, string Key, byte[] Value)
{
    private const int LengthBytes = 4;

    private const int HeadBytes = 3;

    private const int MostBytes = HeadBytes + ushort.MaxValue + Store.MaximumValueBytes;

    public byte[] ToBytes()
    {
        byte[] key = Encoding.UTF8.GetBytes(Key);
        byte[] bytes = new byte[LengthBytes + HeadBytes + key.Length + Value.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length - LengthBytes);
        bytes[LengthBytes] = (byte)Kind;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(LengthBytes + 1), checked((ushort)key.Length));
        key.CopyTo(bytes, LengthBytes + HeadBytes);
        Value.CopyTo(bytes, LengthBytes + HeadBytes + key.Length);
        return bytes;
    }

    /// <summary>Reads the record at the stream's position. Null, and the position as it was, when it is cut short: its writer ended while writing.</summary>
    /// <exception cref="InvalidDataException">The bytes are no record.</exception>
    public static FileStoreRecord? Read(Stream stream)
    {
        long start = stream.Position;
        byte[] length = new byte[LengthBytes];
        if (stream.ReadAtLeast(length, LengthBytes, throwOnEndOfStream: false) == LengthBytes)
        {
            int bytes = BinaryPrimitives.ReadInt32LittleEndian(length);
            if (bytes is < HeadBytes or > MostBytes)
            {
                throw new InvalidDataException(FormattableString.Invariant($"a record of {bytes} bytes"));
            }

            if (stream.Length - stream.Position >= bytes)
            {
                byte[] body = new byte[bytes];
                stream.ReadExactly(body);
                return FromBody(body);
            }
        }

        stream.Position = start;
        return null;
    }

    private static FileStoreRecord FromBody(byte[] body)
    {
        var kind = (FileStoreRecordKind)body[0];
        int keyBytes = BinaryPrimitives.ReadUInt16LittleEndian(body.AsSpan(1));
        return Enum.IsDefined(kind) && HeadBytes + keyBytes <= body.Length
            ? new FileStoreRecord(kind, Encoding.UTF8.GetString(body, HeadBytes, keyBytes), body[(HeadBytes + keyBytes)..])
            : throw new InvalidDataException("a record of an unknown kind");
    }
}

/// <summary>What one record of a <see cref="FileStore"/>'s file tells.</summary>
internal enum FileStoreRecordKind : byte
{
    /// <summary>The key has this value.</summary>
    Set = 1,

    /// <summary>The key has none any more.</summary>
    Delete = 2,

    /// <summary>A process opened the store; the key is its generation.</summary>
    Joined = 3,

    /// <summary>A process closed the store; the key is its generation.</summary>
    Left = 4,

    /// <summary>The last process of a generation closed the store: the file is about to be deleted and counts no more.</summary>
    Closed = 5,
}
