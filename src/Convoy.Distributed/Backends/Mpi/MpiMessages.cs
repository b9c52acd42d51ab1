using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// Messages between two ranks, on a communicator of their own: first what is sent, then the elements, both with the message's tag, which MPI keeps in order. So a
/// receiver that expects something else finds it before anything is written. A rank's messages to another are all under way at the same time, since that one may take them
/// in another order.
/// </summary>
/// <param name="communicator">Whose they are.</param>
/// <param name="peers">The ranks.</param>
/// <param name="largestTag">The largest tag that the library takes.</param>
internal sealed unsafe class MpiMessages(MpiCommunicator communicator, MpiPeers peers, int largestTag)
{
    private readonly Queue<MpiMessage> _sending = new();
    private bool _isWatched;

    /// <summary>Starts to send.</summary>
    /// <returns>What tells when the tensor may be changed; null: it may now.</returns>
    public BackendWork? Send(Tensor tensor, int destination, int tag, Action<MpiMessage> failed)
    {
        RequireTag(tag);
        var message = new MpiMessage(communicator, peers, destination, nameof(OperationKind.Send), failed);
        message.Send(tensor, tag);
        if (message.TryFinish())
        {
            return null;
        }

        lock (_sending)
        {
            _sending.Enqueue(message);
            if (!_isWatched)
            {
                _isWatched = true;
                new Thread(Watch) { IsBackground = true, Name = "convoy mpi messages" }.Start();
            }
        }

        return message;
    }

    /// <summary>Receives.</summary>
    public void Receive(Tensor tensor, int source, int tag, Action<MpiMessage> failed)
    {
        RequireTag(tag);
        var message = new MpiMessage(communicator, peers, source, nameof(OperationKind.Receive), failed);
        message.Receive(tensor, tag);
    }

    private void RequireTag(int tag)
    {
        if (tag > largestTag)
        {
            throw new ArgumentOutOfRangeException(nameof(tag), tag, FormattableString.Invariant($"the MPI library takes tags from 0 to {largestTag}. Use a smaller one."));
        }
    }

    // Finishes what nobody waits for.
    private void Watch()
    {
        while (true)
        {
            MpiMessage? message;
            lock (_sending)
            {
                if (!_sending.TryDequeue(out message))
                {
                    _isWatched = false;
                    return;
                }
            }

            message.Finish();
        }
    }
}
