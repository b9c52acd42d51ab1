using System.IO.MemoryMappedFiles;

namespace Convoy.Lanes.Data;

/// <summary>
/// Decoded frames at the network's size, read straight from a memory-mapped file that all ranks of a machine share. What
/// it gives is bit for bit what decoding gives. Safe for any thread.
/// </summary>
internal sealed unsafe class FrameCache : IDisposable
{
    /// <summary>The version of the format and of the way frames are decoded: raise it when either changes.</summary>
    public const int Version = 1;

    private readonly FrameCacheLayout _layout;
    private readonly FrameCacheEntry[] _entries;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _start;

    private FrameCache(FrameCacheLayout layout, FrameCacheEntry[] entries, MemoryMappedFile file, MemoryMappedViewAccessor view, byte* start)
    {
        _layout = layout;
        _entries = entries;
        _file = file;
        _view = view;
        _start = start;
    }

    /// <summary>
    /// Opens a cache file and checks it whole: length, header, index, and the checksum of every frame (about 5 GB/s from
    /// memory).
    /// </summary>
    /// <returns>Null when there is no such file, or it is cut off, damaged or made from something else.</returns>
    public static FrameCache? TryOpen(string path, FrameCacheLayout layout, ReadOnlySpan<byte> key)
    {
        var info = new FileInfo(path);
        if (!info.Exists || info.Length != layout.FileBytes)
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
        MemoryMappedViewAccessor view = file.CreateViewAccessor(0, layout.FileBytes, MemoryMappedFileAccess.Read);
        byte* start = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        FrameCacheEntry[]? entries = layout.ReadTable(new ReadOnlySpan<byte>(start, layout.TableBytes), key);
        var cache = new FrameCache(layout, entries ?? [], file, view, start);
        if (entries is not null && cache.IsIntact())
        {
            return cache;
        }

        cache.Dispose();
        return null;
    }

    /// <summary>The address of a frame's 4 bytes a pixel, read only.</summary>
    public nint Pixels(int index) => (nint)(_start + _layout.FrameAt(index));

    /// <summary>A frame's mask, 1 byte a pixel; empty when the data set has no mask files.</summary>
    public ReadOnlySpan<byte> Mask(int index) => Frame(index)[PixelBuffer.ByteCount(_layout.Size)..];

    /// <summary>The size of a frame's image file.</summary>
    public ImageSize OriginalSize(int index) => _entries[index].Original;

    /// <inheritdoc/>
    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
    }

    private ReadOnlySpan<byte> Frame(int index) => new(_start + _layout.FrameAt(index), _layout.FrameBytes);

    private bool IsIntact()
    {
        for (int i = 0; i < _entries.Length; i++)
        {
            if (FrameCacheLayout.Checksum(Frame(i)) != _entries[i].Checksum)
            {
                return false;
            }
        }

        return true;
    }
}
