using Convoy.Distributed.Errors;
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

    // One list for each source: each is used by one thread at a time.
    private readonly List<(int Tag, Tensor Tensor)>[] _aside;

    public Messages(ControlBlock control, PeerWatch watch, int rank, int size)
    {
        _control = control;
        _watch = watch;
        _rank = rank;
        _aside = [.. Enumerable.Range(0, size).Select(_ => new List<(int, Tensor)>())];
    }

    public void Send(Tensor tensor, int destination, int tag)
    {
        using DenseTensor dense = DenseTensor.Of(tensor);
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
        using DenseTensor dense = DenseTensor.Of(tensor);
        Read(source, dense.Memory, dense.Bytes);
        dense.Deliver();
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
        using DenseTensor dense = DenseTensor.Of(tensor);
        Read(source, dense.Memory, dense.Bytes);
        return tensor;
    }

    private void RequireFits(Tensor tensor, in MessageHeader sent, int source)
    {
        var expected = new MessageHeader(tensor.numel(), (int)tensor.dtype, sent.Tag);
        if (expected != sent)
        {
            throw new CollectiveMismatchException(FormattableString.Invariant(
                $"Receive: rank {source} sent rank {_rank} {sent} with tag {sent.Tag}, which rank {_rank} expects to be {expected}. Receive into a tensor of the size and type that is sent."));
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
