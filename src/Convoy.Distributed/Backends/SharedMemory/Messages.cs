using System.Numerics;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// Messages between two ranks. A sender is done when its tensor is in the mailbox, a large one when the receiver has taken what
/// does not fit. A receiver that meets another tag than the one it wants puts that message aside, in its own memory.
/// </summary>
internal sealed unsafe class Messages : IDisposable
{
    private readonly ControlBlock _control;
    private readonly PeerWatch _watch;
    private readonly int _rank;
    private readonly RankNames _names;

    // One list for each source: each is used by one thread at a time.
    private readonly List<(int Tag, Tensor Tensor)>[] _aside;

    public Messages(ControlBlock control, PeerWatch watch, int rank, int size, RankNames names)
    {
        _names = names;
        _control = control;
        _watch = watch;
        _rank = rank;
        _aside = [.. Enumerable.Range(0, size).Select(_ => new List<(int, Tensor)>())];
    }

    public void Send(Tensor tensor, int destination, int tag)
    {
        using DenseTensor dense = DenseTensor.From(tensor);
        var header = new MessageHeader(tensor.numel(), (int)tensor.dtype, tag);
        Write(destination, (byte*)&header, sizeof(MessageHeader));
        Write(destination, dense.Memory, dense.Bytes);
    }

    public void Receive(Tensor tensor, int source, int tag)
    {
        int found = _aside[source].FindIndex(message => message.Tag == tag);
        if (found >= 0)
        {
            using Tensor kept = _aside[source][found].Tensor;
            _aside[source].RemoveAt(found);
            RequireFits(tensor, new MessageHeader(kept.numel(), (int)kept.dtype, tag), source);
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            tensor.copy_(kept.reshape(tensor.shape));
            return;
        }

        MessageHeader header;
        for (Read(source, (byte*)&header, sizeof(MessageHeader)); header.Tag != tag; Read(source, (byte*)&header, sizeof(MessageHeader)))
        {
            _aside[source].Add((header.Tag, ReadAside(source, header)));
        }

        RequireFits(tensor, header, source);
        using DenseTensor dense = DenseTensor.From(tensor);
        Read(source, dense.Memory, dense.Bytes);
        dense.CopyBack();
    }

    public void Dispose()
    {
        foreach ((_, Tensor tensor) in _aside.SelectMany(messages => messages))
        {
            tensor.Dispose();
        }
    }

    private Tensor ReadAside(int source, in MessageHeader header)
    {
        Tensor tensor = empty([header.Count], (ScalarType)header.ElementType).DetachFromDisposeScope();
        using DenseTensor dense = DenseTensor.From(tensor);
        Read(source, dense.Memory, dense.Bytes);
        return tensor;
    }

    private void RequireFits(Tensor tensor, in MessageHeader sent, int source)
    {
        var expected = new MessageHeader(tensor.numel(), (int)tensor.dtype, sent.Tag);
        if (expected != sent)
        {
            throw new CollectiveMismatchException(FormattableString.Invariant(
                $"Receive: rank {_names[source]} sent rank {_names[_rank]} {sent} with tag {sent.Tag}, which rank {_names[_rank]} expects to be {expected}. Receive into a tensor of the size and type that is sent."));
        }
    }

    private void Write(int destination, byte* from, long bytes)
    {
        Mailbox mailbox = _control.MailboxOf(_rank, destination);
        while (bytes > 0)
        {
            int read = Volatile.Read(ref *mailbox.Read);
            long moved = mailbox.Put(from, bytes);
            if (moved == 0)
            {
                _watch.WaitWhile(mailbox.Read, read, mailbox.WriterSleeps, destination, nameof(OperationKind.Send));
                continue;
            }

            _watch.Wake(mailbox.Written, mailbox.ReaderSleeps);
            from += moved;
            bytes -= moved;
        }
    }

    private void Read(int source, byte* to, long bytes)
    {
        Mailbox mailbox = _control.MailboxOf(source, _rank);
        while (bytes > 0)
        {
            int written = Volatile.Read(ref *mailbox.Written);
            long moved = mailbox.Take(to, bytes);
            if (moved == 0)
            {
                _watch.WaitWhile(mailbox.Written, written, mailbox.ReaderSleeps, source, nameof(OperationKind.Receive));
                continue;
            }

            _watch.Wake(mailbox.Read, mailbox.WriterSleeps);
            to += moved;
            bytes -= moved;
        }
    }
}

/// <summary>What goes before a message's elements.</summary>
/// <param name="Count">The number of elements.</param>
/// <param name="ElementType">Their <see cref="ScalarType"/>.</param>
/// <param name="Tag">The tag.</param>
internal readonly record struct MessageHeader(long Count, int ElementType, int Tag)
{
    public override string ToString() => FormattableString.Invariant($"{Count} x {(ScalarType)ElementType}");
}

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
