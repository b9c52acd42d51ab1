using System.Numerics;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// A ring of bytes in shared memory that one rank writes and another reads. Both count the bytes in words that wrap around;
/// the difference is what is on its way.
/// </summary>
internal readonly unsafe struct Mailbox
{
    // The words that the two ranks write lie on different pairs of cache lines.
    private const int HeaderBytes = 512;
    private const int LeastCapacity = 1 << 10;
    private const int GreatestCapacity = 128 << 10;

    // A group has the square of its size of them.
    private const int CapacityOfAll = 4 << 20;

    private readonly byte* _start;
    private readonly int _capacity;

    public Mailbox(byte* start, int ranks)
    {
        _start = start;
        _capacity = Capacity(ranks);
    }

    /// <summary>How many bytes were ever written.</summary>
    public int* Written => (int*)_start;

    /// <summary>Whether the reader sleeps at <see cref="Written"/>.</summary>
    public int* ReaderSleeps => (int*)(_start + 128);

    /// <summary>How many bytes were ever read.</summary>
    public int* Read => (int*)(_start + 256);

    /// <summary>Whether the writer sleeps at <see cref="Read"/>.</summary>
    public int* WriterSleeps => (int*)(_start + 384);

    /// <summary>The size of a mailbox in a group of <paramref name="ranks"/> ranks.</summary>
    public static int Bytes(int ranks) => HeaderBytes + Capacity(ranks);

    /// <summary>Copies in as many of <paramref name="bytes"/> bytes as there is room for, and gives their number.</summary>
    public long Put(byte* from, long bytes)
    {
        int written = *Written;
        long room = _capacity - unchecked(written - Volatile.Read(ref *Read));
        long moved = Move(bytes, room, written, out byte* place);
        Buffer.MemoryCopy(from, place, moved, moved);
        Volatile.Write(ref *Written, unchecked(written + (int)moved));
        return moved;
    }

    /// <summary>Copies out as many of <paramref name="bytes"/> bytes as there are, and gives their number.</summary>
    public long Take(byte* to, long bytes)
    {
        int read = *Read;
        long there = unchecked(Volatile.Read(ref *Written) - read);
        long moved = Move(bytes, there, read, out byte* place);
        Buffer.MemoryCopy(place, to, moved, moved);
        Volatile.Write(ref *Read, unchecked(read + (int)moved));
        return moved;
    }

    private static int Capacity(int ranks) =>
        Math.Clamp((int)BitOperations.RoundUpToPowerOf2((uint)(CapacityOfAll / ranks / ranks)), LeastCapacity, GreatestCapacity);

    // Up to the ring's end at a time.
    private long Move(long bytes, long most, int position, out byte* place)
    {
        int at = position & (_capacity - 1);
        place = _start + HeaderBytes + at;
        return Math.Min(Math.Min(bytes, most), _capacity - at);
    }
}
