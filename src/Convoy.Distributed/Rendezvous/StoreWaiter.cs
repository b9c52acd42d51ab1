namespace Convoy.Distributed.Rendezvous;

/// <summary>One client that waits at a <see cref="StoreTable"/> until keys are set.</summary>
internal sealed class StoreWaiter
{
    private readonly HashSet<string> _missing;

    // Continuations must not run inside the lock of whoever sets the key.
    private readonly TaskCompletionSource<StoreReply> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public StoreWaiter(StoreRequest request, IEnumerable<string> missing)
    {
        Request = request;
        _missing = new HashSet<string>(missing, StringComparer.Ordinal);
    }

    public StoreRequest Request { get; }

    public Task<StoreReply> Answer => _answer.Task;

    /// <summary>The missing keys in the order in which they were asked for.</summary>
    public IEnumerable<string> Missing => Request.Keys.Where(_missing.Contains).Distinct(StringComparer.Ordinal);

    /// <summary>Notes that <paramref name="key"/> is there; gives whether it was the last.</summary>
    public bool Found(string key) => _missing.Remove(key) && _missing.Count == 0;

    /// <summary>Notes that <paramref name="key"/> has gone again.</summary>
    public void Lost(string key)
    {
        if (Request.Keys.Contains(key, StringComparer.Ordinal))
        {
            _missing.Add(key);
        }
    }

    public void Finish(StoreReply reply) => _answer.TrySetResult(reply);
}
