using System.IO.MemoryMappedFiles;

namespace Convoy.Training.Loading;

/// <summary>Prepares one sample of a <see cref="SampleCache"/>. Called on several threads at once.</summary>
/// <param name="index">The sample, from 0.</param>
/// <param name="bytes">Room for the sample; holds whatever an earlier sample left there.</param>
/// <returns>A number to keep with the sample, see <see cref="SampleCache.Tag"/>; 0 when there is nothing to keep.</returns>
public delegate long CachedSamplePreparation(int index, Span<byte> bytes);

/// <summary>
/// Prepared samples of one size in bytes, read straight from a memory-mapped file that all ranks of a machine share. What it gives is bit
/// for bit what preparing them gave. Safe for any thread.
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
    /// Opens the cache of the samples that <paramref name="key"/> stands for, and builds it when it is absent or damaged. Of several
    /// processes one builds and the others wait for it.
    /// </summary>
    /// <param name="directory">The cache folder, made when absent.</param>
    /// <param name="format">What the samples are.</param>
    /// <param name="key">What they are made from, 32 bytes, see <see cref="SampleCacheKey"/>.</param>
    /// <param name="prepare">Prepares a sample.</param>
    /// <param name="workers">How many threads prepare samples; 0 counts as 1.</param>
    /// <param name="time">The clock of the time-out (30 minutes) while another process builds. Default: the system's.</param>
    /// <param name="cancellation">Stops waiting or building, and removes what was begun.</param>
    /// <exception cref="ArgumentException">Format or key are not as they should be.</exception>
    /// <exception cref="BadInputException">The folder cannot be written.</exception>
    /// <exception cref="IOException">Another process has been building for 30 minutes, or the disk does not keep what is written.</exception>
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
