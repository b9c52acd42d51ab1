using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Convoy.Training.Loading;

/// <summary>What the samples of a <see cref="SampleCache"/> are, and where they are in its file.</summary>
/// <remarks>
/// A file is a header of 64 bytes (signature, version, the first two numbers of <see cref="Shape"/>, count, the third number, key,
/// checksum of header and index), 16 bytes for each sample (its tag, a checksum of its bytes, 0), and from the next multiple of 4096 on
/// the samples, each starting at a multiple of 64. Numbers are little-endian.
/// </remarks>
public sealed record SampleCacheFormat
{
    internal const int HeaderBytes = 64;
    internal const int EntryBytes = 16;

    private const int SignatureBytes = 8;
    private const int ChecksumAt = HeaderBytes - 4;

    /// <summary>The start of file names: <c>frames</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The first bytes of a file: 8 ASCII characters.</summary>
    public required string Signature { get; init; }

    /// <summary>The version of the way samples are prepared: raise it when that changes.</summary>
    public required int Version { get; init; }

    /// <summary>How many samples there are.</summary>
    public required int Count { get; init; }

    /// <summary>Bytes of a sample, the same for all.</summary>
    public required int SampleBytes { get; init; }

    /// <summary>Three numbers that describe a sample, such as width and height; a file with other numbers is not used. Default: zeros.</summary>
    public (int First, int Second, int Third) Shape { get; init; }

    /// <summary>Length of header and index.</summary>
    internal int TableBytes => checked(HeaderBytes + (Count * EntryBytes));

    /// <summary>Length of the file.</summary>
    internal long FileBytes => SampleAt(Count);

    /// <summary>A checksum (CRC-32C over 8 bytes at a time, the last ones filled up with zeros).</summary>
    internal static uint Checksum(ReadOnlySpan<byte> bytes)
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

    /// <summary>Where a sample starts.</summary>
    internal long SampleAt(int index) => RoundUp(TableBytes, 4096) + (index * RoundUp(SampleBytes, 64));

    /// <summary>Checks that a file can have this format.</summary>
    /// <exception cref="ArgumentException">It cannot.</exception>
    internal void Validate()
    {
        if (Signature.Length != SignatureBytes || Signature.Any(character => !char.IsAscii(character)))
        {
            throw new ArgumentException($"The signature must have 8 ASCII characters (got \"{Signature}\").");
        }

        ArgumentOutOfRangeException.ThrowIfNegative(Count);
        ArgumentOutOfRangeException.ThrowIfLessThan(SampleBytes, 1);
    }

    /// <summary>Header and index as in the file.</summary>
    internal byte[] Table(ReadOnlySpan<byte> key, ReadOnlySpan<SampleCacheEntry> entries)
    {
        byte[] table = new byte[TableBytes];
        Span<byte> bytes = table;
        System.Text.Encoding.ASCII.GetBytes(Signature, bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], Shape.First);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], Shape.Second);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[20..], Count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[24..], Shape.Third);
        key.CopyTo(bytes[28..]);
        for (int i = 0; i < entries.Length; i++)
        {
            Span<byte> entry = bytes[(HeaderBytes + (i * EntryBytes))..];
            BinaryPrimitives.WriteInt64LittleEndian(entry, entries[i].Tag);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], entries[i].Checksum);
        }

        // The checksum's own place still holds zeros while it is computed.
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[ChecksumAt..], Checksum(bytes));
        return table;
    }

    /// <summary>Reads header and index; null when they are damaged or belong to something else.</summary>
    internal SampleCacheEntry[]? ReadTable(ReadOnlySpan<byte> table, ReadOnlySpan<byte> key)
    {
        var entries = new SampleCacheEntry[Count];
        for (int i = 0; i < Count; i++)
        {
            ReadOnlySpan<byte> entry = table[(HeaderBytes + (i * EntryBytes))..];
            entries[i] = new SampleCacheEntry(BinaryPrimitives.ReadInt64LittleEndian(entry), BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]));
        }

        return table.SequenceEqual(Table(key, entries)) ? entries : null;
    }

    private static long RoundUp(long bytes, long multiple) => (bytes + multiple - 1) / multiple * multiple;
}

/// <summary>What the cache's index says about a sample.</summary>
/// <param name="Tag">What its preparation returned.</param>
/// <param name="Checksum">The checksum of its bytes.</param>
internal readonly record struct SampleCacheEntry(long Tag, uint Checksum);
