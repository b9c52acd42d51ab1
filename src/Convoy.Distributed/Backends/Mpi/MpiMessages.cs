using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// Messages between two ranks, on a communicator of their own: first what is sent, then the elements, both with the message's tag, which MPI keeps in order. So a
/// receiver that expects something else finds it before anything is written.
/// </summary>
internal sealed unsafe class MpiMessages(MpiCommunicator communicator, MpiPeers peers, int largestTag)
{
    public void Send(Tensor tensor, int destination, int tag, MpiTensors tensors) => Exchange(tag, (messages, header) =>
    {
        DenseTensor dense = tensors.Open(tensor);
        *header = new MpiMessageHeader(tensor.numel(), (long)tensor.dtype);
        messages.Send((byte*)header, sizeof(MpiMessageHeader), destination, tag);
        if (dense.Bytes > 0)
        {
            messages.Send(dense.Memory, dense.Bytes, destination, tag);
        }

        Await(messages, destination, nameof(OperationKind.Send));
    });

    public void Receive(Tensor tensor, int source, int tag, MpiTensors tensors) => Exchange(tag, (messages, header) =>
    {
        messages.Receive((byte*)header, sizeof(MpiMessageHeader), source, tag);
        Await(messages, source, nameof(OperationKind.Receive));
        var expected = new MpiMessageHeader(tensor.numel(), (long)tensor.dtype);
        if (expected != *header)
        {
            throw new CollectiveMismatchException(FormattableString.Invariant(
                $"Receive: rank {source} sent rank {communicator.Rank} {*header} with tag {tag}, which rank {communicator.Rank} expects to be {expected}. Receive into a tensor of the size and type that is sent."));
        }

        DenseTensor dense = tensors.Open(tensor);
        if (dense.Bytes > 0)
        {
            messages.Receive(dense.Memory, dense.Bytes, source, tag);
            Await(messages, source, nameof(OperationKind.Receive));
        }

        dense.CopyBack();
    });

    private void Exchange(int tag, MessageBody body)
    {
        if (tag > largestTag)
        {
            throw new ArgumentOutOfRangeException(nameof(tag), tag, FormattableString.Invariant($"the MPI library takes tags from 0 to {largestTag}. Use a smaller one."));
        }

        var messages = new RequestSet(communicator, 2);
        var header = (MpiMessageHeader*)NativeMemory.Alloc((nuint)sizeof(MpiMessageHeader));
        try
        {
            body(messages, header);
        }
        catch
        {
            // What is under way may still be written into memory, so that stays.
            messages.Abandon();
            throw;
        }

        NativeMemory.Free(header);
        messages.Dispose();
    }

    private void Await(RequestSet messages, int peer, string operation)
    {
        var patience = new PeerPatience(peers, operation);
        while (!messages.TestAll())
        {
            patience.Pause(messages, peer);
        }
    }
}

/// <summary>What one message does.</summary>
internal unsafe delegate void MessageBody(RequestSet messages, MpiMessageHeader* header);

/// <summary>What goes before a message's elements.</summary>
/// <param name="Count">The number of elements.</param>
/// <param name="ElementType">Their <see cref="ScalarType"/>.</param>
internal readonly record struct MpiMessageHeader(long Count, long ElementType)
{
    public override string ToString() => FormattableString.Invariant($"{Count} x {(ScalarType)ElementType}");
}
