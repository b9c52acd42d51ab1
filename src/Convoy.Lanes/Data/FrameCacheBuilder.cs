using System.Globalization;
using System.Runtime.ExceptionServices;
using Microsoft.Win32.SafeHandles;

namespace Convoy.Lanes.Data;

/// <summary>
/// Makes cache files. A data set and a size have one file, <c>frames-KEY.cache</c>, where KEY is from
/// <see cref="FrameCacheKey"/>: when an image changes, so does the name, and another file is made. Files of other keys are
/// left alone, so that several data sets and sizes can share a folder; delete the folder to free its space.
/// </summary>
/// <remarks>
/// Of several ranks one builds, holding a lock on <c>frames-KEY.lock</c> (which the system releases when its process ends,
/// whatever way; the empty file stays), and the others wait and then open what it made. The file is written under a
/// temporary name and renamed when it is complete, so a cut-off build is never taken for a cache; what such a build left
/// is removed by the next one.
/// </remarks>
internal static class FrameCacheBuilder
{
    private static readonly TimeSpan LockPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LockTimeout = TimeSpan.FromMinutes(30);

    /// <summary>Opens the cache of a data set at a size, building it when it is absent or damaged.</summary>
    /// <param name="directory">The cache folder, made when absent.</param>
    /// <param name="dataset">The frames.</param>
    /// <param name="size">The size of the cached frames.</param>
    /// <param name="workers">How many threads decode; 0 counts as 1.</param>
    /// <param name="time">The clock of the time-out while another process builds.</param>
    /// <param name="cancellation">Stops waiting or building, and removes what was begun.</param>
    /// <exception cref="BadInputException">The folder can't be written, or an image is bad.</exception>
    public static FrameCache OpenOrBuild(
        string directory,
        LaneDataset dataset,
        ImageSize size,
        int workers,
        TimeProvider time,
        CancellationToken cancellation)
    {
        byte[] key = FrameCacheKey.Of(dataset, size);
        var layout = new FrameCacheLayout(size, dataset.Count, dataset.Frames.Any(frame => frame.MaskPath is not null));
        string name = $"frames-{Convert.ToHexStringLower(key.AsSpan(0, 12))}";
        string path = Path.Combine(Path.GetFullPath(directory), name + ".cache");
        if (FrameCache.TryOpen(path, layout, key) is { } ready)
        {
            return ready;
        }

        try
        {
            MakeFolder(directory);
            using FileStream taken = Lock(Path.ChangeExtension(path, ".lock"), time, cancellation);

            // Another rank may have built it while this one waited for the lock.
            if (FrameCache.TryOpen(path, layout, key) is { } built)
            {
                return built;
            }

            Build(path, dataset, layout, key, Math.Max(1, workers), cancellation);
        }
        catch (UnauthorizedAccessException error)
        {
            throw new BadInputException("the cache folder can't be written", directory, "Give a folder that you may write to.", error);
        }

        return FrameCache.TryOpen(path, layout, key)
            ?? throw new IOException($"the cache {path} can't be read back right after it was written: the disk or its file system is faulty");
    }

    private static void MakeFolder(string directory)
    {
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (IOException error)
        {
            throw new BadInputException("the cache folder can't be made", directory, "Give a folder that you may write to.", error);
        }
    }

    private static FileStream Lock(string path, TimeProvider time, CancellationToken cancellation)
    {
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
                            $"another process has been building the frame cache for {LockTimeout.TotalMinutes} minutes and holds {path}: {error.Message}"),
                        error);
                }

                cancellation.WaitHandle.WaitOne(LockPoll);
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    private static void Build(string path, LaneDataset dataset, FrameCacheLayout layout, byte[] key, int workers, CancellationToken cancellation)
    {
        string folder = Path.GetDirectoryName(path)!;
        foreach (string left in Directory.EnumerateFiles(folder, Path.GetFileNameWithoutExtension(path) + ".*.tmp"))
        {
            File.Delete(left);
        }

        string temporary = Path.ChangeExtension(path, $".{Guid.NewGuid():N}.tmp");
        try
        {
            using (SafeFileHandle file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, preallocationSize: layout.FileBytes))
            {
                var entries = new FrameCacheEntry[layout.Count];
                DecodeAll(file, dataset, layout, entries, workers, cancellation);
                RandomAccess.Write(file, layout.Table(key, entries), 0);
                RandomAccess.SetLength(file, layout.FileBytes);
                RandomAccess.FlushToDisk(file);
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private static void DecodeAll(
        SafeFileHandle file,
        LaneDataset dataset,
        FrameCacheLayout layout,
        FrameCacheEntry[] entries,
        int workers,
        CancellationToken cancellation)
    {
        try
        {
            Parallel.For(
                0,
                layout.Count,
                new ParallelOptions { MaxDegreeOfParallelism = workers, CancellationToken = cancellation },
                () => (Reader: new FrameReader(layout.Size), Buffer: new byte[layout.FrameBytes]),
                (index, _, local) =>
                {
                    int pixels = PixelBuffer.ByteCount(layout.Size);
                    ImageSize original = local.Reader.Read(dataset.Frames[index], local.Buffer.AsSpan(0, pixels), local.Buffer.AsSpan(pixels));
                    entries[index] = new FrameCacheEntry(original, FrameCacheLayout.Checksum(local.Buffer));
                    RandomAccess.Write(file, local.Buffer, layout.FrameAt(index));
                    return local;
                },
                local => local.Reader.Dispose());
        }
        catch (AggregateException errors)
        {
            ExceptionDispatchInfo.Throw(errors.InnerExceptions[0]);
        }
    }
}
