using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Convoy.Lanes.Data;

/// <summary>
/// Where things are in a cache file: a header of 64 bytes, 16 bytes for each frame (the original's width and height, a
/// checksum of its pixels, 0), and from the next multiple of 4096 on the frames: 4 bytes a pixel, then, if the data set
/// has mask files, 1 byte a pixel, each frame starting at a multiple of 64. Numbers are little-endian.
/// </summary>
internal readonly record struct FrameCacheLayout(ImageSize Size, int Count, bool HasMasks)
{
    /// <summary>The header's length.</summary>
    public const int HeaderBytes = 64;

    /// <summary>The length of a frame's entry in the index.</summary>
    public const int EntryBytes = 16;

    private const int ChecksumAt = HeaderBytes - 4;

    /// <summary>Bytes of a frame's pixels and mask.</summary>
    public int FrameBytes => PixelBuffer.ByteCount(Size) + (HasMasks ? Size.Width * Size.Height : 0);

    /// <summary>Header and index.</summary>
    public int TableBytes => HeaderBytes + (Count * EntryBytes);

    /// <summary>The whole file.</summary>
    public long FileBytes => FrameAt(Count);

    /// <summary>Where a frame starts.</summary>
    public long FrameAt(int index) => RoundUp(TableBytes, 4096) + (index * RoundUp(FrameBytes, 64));

    /// <summary>A checksum (CRC-32C over 8 bytes at a time, the last ones filled up with zeros).</summary>
    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint sum = ~0u;
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (ulong word in words)
        {
            sum = BitOperations.Crc32C(sum, word);
        }

        Span<byte> rest = stackalloc byte[8];
        rest.Clear();
        bytes[(words.Length * 8)..].CopyTo(rest);
        return ~BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(rest));
    }

    /// <summary>Header and index as they stand in the file.</summary>
    public byte[] Table(ReadOnlySpan<byte> key, ReadOnlySpan<FrameCacheEntry> entries)
    {
        byte[] table = new byte[TableBytes];
        Span<byte> bytes = table;
        "CNVYFRMS"u8.CopyTo(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], FrameCache.Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], Size.Width);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], Size.Height);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[20..], Count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[24..], HasMasks ? 1 : 0);
        key.CopyTo(bytes[28..]);
        for (int i = 0; i < entries.Length; i++)
        {
            Span<byte> entry = bytes[(HeaderBytes + (i * EntryBytes))..];
            BinaryPrimitives.WriteInt32LittleEndian(entry, entries[i].Original.Width);
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], entries[i].Original.Height);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], entries[i].Checksum);
        }

        // The checksum's own place still holds zeros while it is computed.
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[ChecksumAt..], Checksum(bytes));
        return table;
    }

    /// <summary>Reads header and index; null when they are damaged or belong to something else.</summary>
    public FrameCacheEntry[]? ReadTable(ReadOnlySpan<byte> table, ReadOnlySpan<byte> key)
    {
        var entries = new FrameCacheEntry[Count];
        for (int i = 0; i < Count; i++)
        {
            ReadOnlySpan<byte> entry = table[(HeaderBytes + (i * EntryBytes))..];
            var original = new ImageSize(BinaryPrimitives.ReadInt32LittleEndian(entry), BinaryPrimitives.ReadInt32LittleEndian(entry[4..]));
            entries[i] = new FrameCacheEntry(original, BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]));
        }

        return table.SequenceEqual(Table(key, entries)) ? entries : null;
    }

    private static long RoundUp(long bytes, long multiple) => (bytes + multiple - 1) / multiple * multiple;
}
