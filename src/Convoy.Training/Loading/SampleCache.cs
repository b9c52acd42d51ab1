using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Security.Cryptography;
using System.Text;

namespace Convoy.Training.Loading;

/// <summary>Prepares one sample of a <see cref="SampleCache"/>. Called on several threads at once.</summary>
/// <param name="index">The sample, from 0.</param>
/// <param name="bytes">Receives the sample; contains leftovers of an earlier one at first.</param>
/// <returns>A number to keep with the sample, see <see cref="SampleCache.Tag"/>; 0 when there is nothing to keep.</returns>
public delegate long CachedSamplePreparation(int index, Span<byte> bytes);

/// <summary>
/// Prepared samples of one size in bytes, read straight from a memory-mapped file that all ranks of a machine share. What it gives is bit
/// for bit what their preparation gave. Safe for any thread.
/// </summary>
/// <remarks>
/// A format and a key have one file, <c>NAME-KEY.cache</c>: when the samples' sources change, so does the key, and another file is made.
/// Files of other keys are left alone, so that several data sets can share a folder; delete the folder to free its space.
/// </remarks>
public sealed unsafe class SampleCache : IDisposable
{
    private readonly SampleCacheFormat _format;
    private readonly SampleCacheEntry[] _entries;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;

    private SampleCache(SampleCacheFormat format, SampleCacheEntry[] entries, MemoryMappedFile file, MemoryMappedViewAccessor view, byte* start)
    {
        _format = format;
        _entries = entries;
        _file = file;
        _view = view;
        _start = start;
    }

    /// <summary>
    /// Opens the cache for a key, and builds it when it is absent or damaged. Of several
    /// processes one builds and the others wait for it.
    /// </summary>
    /// <param name="directory">The cache folder, created when absent.</param>
    /// <param name="format">What the samples are.</param>
    /// <param name="key">What they are made from, 32 bytes, see <see cref="SampleCacheKey"/>.</param>
    /// <param name="prepare">Prepares a sample.</param>
    /// <param name="workers">How many threads prepare samples; 0 counts as 1.</param>
    /// <param name="time">The clock of the time-out (30 minutes) while another process builds. Default: the system's.</param>
    /// <param name="cancellation">Stops waiting or building, and removes an unfinished file.</param>
    /// <exception cref="ArgumentException">The format or the key is not valid.</exception>
    /// <exception cref="BadInputException">The folder cannot be written to.</exception>
    /// <exception cref="IOException">Another process has been building for 30 minutes, or the file cannot be read back after it was written.</exception>
    public static SampleCache OpenOrBuild(
        string directory,
        SampleCacheFormat format,
        byte[] key,
        CachedSamplePreparation prepare,
        int workers,
        TimeProvider? time = null,
        CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(format);
        ArgumentNullException.ThrowIfNull(key);
        ArgumentNullException.ThrowIfNull(prepare);
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, SampleCacheKey.Length);
        format.Validate();
        var builder = new SampleCacheBuilder(directory, format, key, prepare, Math.Max(1, workers));
        return builder.OpenOrBuild(time ?? TimeProvider.System, cancellation);
    }

    /// <summary>The address of a sample's bytes, read only, valid until this is disposed.</summary>
    public nint Address(int index) => (nint)Start(index);

    /// <summary>A sample's bytes, valid until this is disposed.</summary>
    public ReadOnlySpan<byte> Sample(int index) => new(Start(index), _format.SampleBytes);

    /// <summary>The number that the sample's preparation returned.</summary>
    public long Tag(int index) => _entries[index].Tag;

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    /// <summary>
    /// Opens a cache file and checks all of it: length, header, index, and the checksum of every sample (about 5 GB/s from memory).
    /// </summary>
    /// <returns>Null when there is no such file, or it is cut off, damaged or made from something else.</returns>
    internal static SampleCache? TryOpen(string path, SampleCacheFormat format, ReadOnlySpan<byte> key)
    {
        var info = new FileInfo(path);
        if (!info.Exists || info.Length != format.FileBytes)
        {
            return null;
        }

        var file = MemoryMappedFile.CreateFromFile(
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete),
            mapName: null,
            capacity: 0,
            MemoryMappedFileAccess.Read,
            HandleInheritability.None,
            leaveOpen: false);
        MemoryMappedViewAccessor view = file.CreateViewAccessor(0, format.FileBytes, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        SampleCacheEntry[]? entries = format.ReadTable(new ReadOnlySpan<byte>(start, format.TableBytes), key);
        var cache = new SampleCache(format, entries ?? [], file, view, start);
        if (entries is not null && cache.IsIntact())
        {
            return cache;
        }

        cache.Dispose();
        return null;
    }

    private byte* Start(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, _entries.Length);
        return _start + _format.SampleAt(index);
    }

    private bool IsIntact()
    {
        for (int i = 0; i < _entries.Length; i++)
        {
            if (SampleCacheFormat.Checksum(Sample(i)) != _entries[i].Checksum)
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>What a cache was made from, as 32 bytes: other samples have another key, and so a cache file of their own.</summary>
public static class SampleCacheKey
{
    /// <summary>The length of a key in bytes.</summary>
    public const int Length = SHA256.HashSizeInBytes;

    /// <summary>
    /// The key of samples that are made from files: a hash (SHA-256) of how they are prepared, and of each file's path, length and time of
    /// last change, in order. A file that changes without its length or its time changing is not noticed.
    /// </summary>
    /// <param name="preparation">How samples are prepared, with the version of the code that does it: <c>frames 1 800x360</c>.</param>
    /// <param name="files">The absolute paths of all files, in the order of the samples.</param>
    /// <exception cref="BadInputException">A file does not exist.</exception>
    public static byte[] FromFiles(string preparation, IEnumerable<string> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        var text = new StringBuilder();
        text.Append(preparation).Append('\n');
        foreach (string path in files)
        {
            var file = new FileInfo(path);
            if (!file.Exists)
            {
                throw new BadInputException("a file of the data set does not exist", path, "Put it back, or remove what refers to it.");
            }

            text.Append(CultureInfo.InvariantCulture, $"{path}\n{file.Length} {file.LastWriteTimeUtc.Ticks}\n");
        }

        return SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()));
    }
}
