using System.Globalization;
using System.Runtime.ExceptionServices;
using Microsoft.Win32.SafeHandles;

namespace Convoy.Training.Loading;

/// <summary>Makes a cache file.</summary>
/// <remarks>
/// Of several processes one builds, holding a lock on <c>NAME-KEY.lock</c> (which the system releases however its process ends; the empty
/// file stays), and the others wait and then open what it made. The file is written under a temporary name and renamed when it is
/// complete, so an interrupted build is never mistaken for a cache, and the next build removes what it left.
/// </remarks>
internal sealed class SampleCacheBuilder
{
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LockTimeout = TimeSpan.FromMinutes(30);

    private readonly string _directory;
    private readonly SampleCacheFormat _format;
    private readonly byte[] _key;
    private readonly CachedSamplePreparation _prepare;
    private readonly int _workers;
    private readonly string _path;

    public SampleCacheBuilder(string directory, SampleCacheFormat format, byte[] key, CachedSamplePreparation prepare, int workers)
    {
        _directory = directory;
        _format = format;
        _key = key;
        _prepare = prepare;
        _workers = workers;
        _path = Path.Combine(Path.GetFullPath(directory), $"{format.Name}-{Convert.ToHexStringLower(key.AsSpan(0, 12))}.cache");
    }

    public SampleCache OpenOrBuild(TimeProvider time, CancellationToken cancellation)
    {
        if (SampleCache.TryOpen(_path, _format, _key) is { } ready)
        {
            return ready;
        }

        try
        {
            MakeFolder();
            using FileStream taken = Lock(time, cancellation);

            // Another process may have built it while this one waited for the lock.
            if (SampleCache.TryOpen(_path, _format, _key) is { } built)
            {
                return built;
            }

            Build(cancellation);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new BadInputException("the cache folder cannot be written to", _directory, "Give a folder that you may write to.", error);
        }

        return SampleCache.TryOpen(_path, _format, _key)
            ?? throw new IOException($"the cache {_path} cannot be read back right after it was written: check the disk and its file system");
    }

    private void MakeFolder()
    {
        try
        {
            Directory.CreateDirectory(_directory);
        }
        catch (IOException error)
        {
            throw new BadInputException("the cache folder cannot be created", _directory, "Give a folder that you may write to.", error);
        }
    }

    private FileStream Lock(TimeProvider time, CancellationToken cancellation)
    {
        string path = Path.ChangeExtension(_path, ".lock");
        long start = time.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException error) when (error is not (DirectoryNotFoundException or PathTooLongException))
            {
                if (time.GetElapsedTime(start) > LockTimeout)
                {
                    throw new IOException(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"another process has been building the cache for {LockTimeout.TotalMinutes} minutes and holds {path}: {error.Message}"),
                        error);
                }

                cancellation.WaitHandle.WaitOne(LockPoll);
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    private void Build(CancellationToken cancellation)
    {
        string folder = Path.GetDirectoryName(_path)!;
        foreach (string left in Directory.EnumerateFiles(folder, Path.GetFileNameWithoutExtension(_path) + ".*.tmp"))
        {
            File.Delete(left);
        }

        string temporary = Path.ChangeExtension(_path, $".{Guid.NewGuid():N}.tmp");
        try
        {
            using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, preallocationSize: _format.FileBytes))
            {
                RandomAccess.Write(file, _format.Table(_key, WriteSamples(file, cancellation)), 0);
                RandomAccess.SetLength(file, _format.FileBytes);
                RandomAccess.FlushToDisk(file);
            }

            File.Move(temporary, _path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private SampleCacheEntry[] WriteSamples(SafeFileHandle file, CancellationToken cancellation)
    {
        var entries = new SampleCacheEntry[_format.Count];
        try
        {
            Parallel.For(
                0,
                _format.Count,
                new ParallelOptions { MaxDegreeOfParallelism = _workers, CancellationToken = cancellation },
                () => new byte[_format.SampleBytes],
                (index, _, bytes) =>
                {
                    long tag = _prepare(index, bytes);
                    entries[index] = new SampleCacheEntry(tag, SampleCacheFormat.Checksum(bytes));
                    RandomAccess.Write(file, bytes, _format.SampleAt(index));
                    return bytes;
                },
                _ => { });
            return entries;
        }
        catch (AggregateException errors)
        {
            ExceptionDispatchInfo.Throw(errors.InnerExceptions[0]);
            throw;
        }
    }
}
