using System.Runtime.InteropServices;

namespace Convoy.Distributed.Launch;

/// <summary>
/// The peers that a group's operations have lost. <c>loss.backward()</c> averages inside of libtorch, which passes on the message of what went wrong and not its type; without this a launcher would take the
/// rank that lost another one for the root cause.
/// </summary>
internal sealed class PeerLosses : IOperationObserver
{
    private readonly Lock _gate = new();
    private readonly HashSet<string> _messages = [];

    public void Started(Work work)
    {
        // Nothing is lost yet.
    }

    public void Finished(Work work)
    {
        if (work.Error is PeerLostException lost)
        {
            lock (_gate)
            {
                _messages.Add(lost.Message);
            }
        }
    }

    /// <summary>Whether an error is that a peer was lost, by its type or as libtorch passes it on.</summary>
    public bool AreCauseOf(Exception error)
    {
        if (error is not ExternalException)
        {
            return error is PeerLostException;
        }

        lock (_gate)
        {
            return _messages.Any(message => error.Message.Contains(message, StringComparison.Ordinal));
        }
    }
}
