using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>One message to or from another rank. Until it is over it keeps the tensor's memory.</summary>
internal sealed unsafe class MpiMessage : BackendWork, IDisposable
{
    private readonly Lock _finishing = new();
    private readonly MpiCommunicator _communicator;
    private readonly MpiPeers _peers;
    private readonly int _peer;
    private readonly string _operation;
    private readonly Action<MpiMessage> _failed;
    private readonly RequestSet _requests;
    private readonly MpiMessageHeader* _header;
    private Tensor? _alias;
    private bool _isOver;
    private bool _hasFailed;

    /// <param name="communicator">Whose message it is.</param>
    /// <param name="peers">The ranks.</param>
    /// <param name="peer">The other rank.</param>
    /// <param name="operation">What to call it in an error.</param>
    /// <param name="failed">Told when it fails.</param>
    public MpiMessage(MpiCommunicator communicator, MpiPeers peers, int peer, string operation, Action<MpiMessage> failed)
    {
        _communicator = communicator;
        _peers = peers;
        _peer = peer;
        _operation = operation;
        _failed = failed;
        _requests = new RequestSet(communicator, 2);
        _header = (MpiMessageHeader*)NativeMemory.Alloc((nuint)sizeof(MpiMessageHeader));
    }

    /// <summary>The tensor.</summary>
    public MpiTensors Tensors { get; } = new();

    /// <summary>Starts to send a tensor.</summary>
    public void Send(Tensor tensor, int tag)
    {
        // An alias: after a time-out the caller's tensor may be gone before MPI is done with its memory.
        _alias = tensor.detach().DetachFromDisposeScope();
        DenseTensor dense = Tensors.Open(_alias);
        *_header = new MpiMessageHeader(tensor.numel(), (long)tensor.dtype);
        _requests.Send((byte*)_header, sizeof(MpiMessageHeader), _peer, tag);
        if (dense.Bytes > 0)
        {
            _requests.Send(dense.Memory, dense.Bytes, _peer, tag);
        }
    }

    /// <summary>Receives a tensor.</summary>
    /// <exception cref="CollectiveMismatchException">What was sent has another type or size.</exception>
    public void Receive(Tensor tensor, int tag)
    {
        try
        {
            _requests.Receive((byte*)_header, sizeof(MpiMessageHeader), _peer, tag);
            Await();
            var expected = new MpiMessageHeader(tensor.numel(), (long)tensor.dtype);
            if (expected != *_header)
            {
                throw new CollectiveMismatchException(FormattableString.Invariant(
                    $"Receive: rank {_peers.Names[_peer]} sent rank {_peers.Names[_communicator.Rank]} {*_header} with tag {tag}, which rank {_peers.Names[_communicator.Rank]} expects to be {expected}. Receive into a tensor of the size and type that is sent."));
            }

            DenseTensor dense = Tensors.Open(tensor);
            if (dense.Bytes > 0)
            {
                _requests.Receive(dense.Memory, dense.Bytes, _peer, tag);
                Await();
            }

            dense.CopyBack();
            Dispose();
        }
        catch
        {
            Fail();
            throw;
        }
    }

    /// <summary>Whether what was to be sent is sent; then all is freed.</summary>
    public bool TryFinish()
    {
        lock (_finishing)
        {
            if (!_isOver && _requests.TestAll())
            {
                Dispose();
            }

            return _isOver && !_hasFailed;
        }
    }

    /// <summary>Waits until what was to be sent is sent, and completes the work.</summary>
    public void Finish()
    {
        var patience = new PeerPatience(_peers, _operation);
        try
        {
            while (!TryFinish())
            {
                if (IsCompleted)
                {
                    // The group has given up.
                    Fail();
                    return;
                }

                patience.Pause(_requests, _peer);
            }

            Complete();
        }
        catch (Exception error)
        {
            Fail();
            Complete(error);
        }
    }

    /// <summary>Withdraws what has not come; see <see cref="RequestSet.Abandon"/>.</summary>
    public bool Abandon() => _requests.Abandon();

    /// <summary>It is over: the tensor's memory and its own are no longer needed.</summary>
    public void Dispose()
    {
        _isOver = true;
        Tensors.Close();
        _alias?.Dispose();
        _requests.Dispose();
        NativeMemory.Free(_header);
    }

    /// <inheritdoc/>
    protected internal override bool Synchronize()
    {
        Finish();
        return false;
    }

    private void Await()
    {
        var patience = new PeerPatience(_peers, _operation);
        while (!_requests.TestAll())
        {
            patience.Pause(_requests, _peer);
        }
    }

    private void Fail()
    {
        lock (_finishing)
        {
            if (!_isOver)
            {
                _isOver = _hasFailed = true;
                _failed(this);
            }
        }
    }
}

/// <summary>What goes before a message's elements.</summary>
/// <param name="Count">The number of elements.</param>
/// <param name="ElementType">Their <see cref="ScalarType"/>.</param>
internal readonly record struct MpiMessageHeader(long Count, long ElementType)
{
    public override string ToString() => FormattableString.Invariant($"{Count} x {(ScalarType)ElementType}");
}
