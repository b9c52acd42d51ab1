namespace Convoy.Distributed.Rendezvous;

/// <summary>The values behind a <see cref="TcpStoreServer"/>, and who waits for which. Answers requests, one at a time.</summary>
internal sealed class StoreTable
{
    private readonly Lock _lock = new();
    private readonly StoreValues _values = new();
    private readonly HashSet<StoreWaiter> _waiters = [];
    private bool _closed;

    /// <summary>How many requests wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiters.Count;
            }
        }
    }

    /// <summary>Answers <paramref name="request"/>; Get and Wait wait for their keys.</summary>
    /// <param name="request">What a client asks.</param>
    /// <param name="stop">Ends a wait whose client has gone.</param>
    /// <exception cref="OperationCanceledException"><paramref name="stop"/> was signalled.</exception>
    public async Task<StoreReply> AnswerAsync(StoreRequest request, CancellationToken stop)
    {
        StoreWaiter waiter;
        lock (_lock)
        {
            if (request.Operation is not (StoreOperation.Get or StoreOperation.Wait))
            {
                return AnswerAtOnce(request);
            }

            waiter = new StoreWaiter(request, request.Keys.Where(key => !_values.Contains(key)));
            if (!waiter.Missing.Any())
            {
                return Found(request);
            }

            if (_closed)
            {
                return StoreReply.Closed(waiter.Missing);
            }

            _waiters.Add(waiter);
        }

        try
        {
            return await waiter.Answer.WaitAsync(TimeSpan.FromMilliseconds(Math.Clamp(request.Number, 0, int.MaxValue)), stop).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            lock (_lock)
            {
                // The last key may have come between the timeout and now.
                return waiter.Answer.IsCompleted ? waiter.Answer.Result : StoreReply.TimedOut(waiter.Missing);
            }
        }
        finally
        {
            lock (_lock)
            {
                _waiters.Remove(waiter);
            }
        }
    }

    /// <summary>Tells all who wait, now or later, which keys they miss and that nobody will set them any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            foreach (StoreWaiter waiter in _waiters)
            {
                waiter.Finish(StoreReply.Closed(waiter.Missing));
            }

            _waiters.Clear();
        }
    }

    private StoreReply AnswerAtOnce(StoreRequest request)
    {
        switch (request.Operation)
        {
            case StoreOperation.Set:
                Put(request.Keys[0], request.Value);
                return StoreReply.Done([]);
            case StoreOperation.Add:
                if (_values.SumWith(request.Keys[0], request.Number) is not { } sum)
                {
                    return StoreReply.Refused(StoreValues.NoCounter(request.Keys[0]));
                }

                Put(request.Keys[0], StoreValues.Digits(sum));
                return StoreReply.Done(BitConverter.GetBytes(sum));
            case StoreOperation.CompareSet:
                return StoreReply.Done(CompareSet(request.Keys[0], request.Expected, request.Desired));
            case StoreOperation.Delete:
                return StoreReply.Done([Delete(request.Keys[0]) ? (byte)1 : (byte)0]);
            case StoreOperation.Contains:
                return StoreReply.Done([request.Keys.All(_values.Contains) ? (byte)1 : (byte)0]);
            default:
                return StoreReply.Done(BitConverter.GetBytes(_values.Count));
        }
    }

    private byte[] CompareSet(string key, byte[] expected, byte[] desired)
    {
        if (!_values.Meets(key, expected))
        {
            return _values.Find(key) ?? expected;
        }

        Put(key, desired);
        return desired;
    }

    private bool Delete(string key)
    {
        if (!_values.Delete(key))
        {
            return false;
        }

        foreach (StoreWaiter waiter in _waiters)
        {
            waiter.Lost(key);
        }

        return true;
    }

    private void Put(string key, byte[] value)
    {
        bool isNew = !_values.Contains(key);
        _values.Set(key, value);
        if (!isNew)
        {
            return;
        }

        foreach (StoreWaiter waiter in _waiters)
        {
            if (waiter.Found(key))
            {
                // Answered with what is there now: a later Delete must not come in between.
                waiter.Finish(Found(waiter.Request));
                _waiters.Remove(waiter);
            }
        }
    }

    private StoreReply Found(StoreRequest request) => StoreReply.Done(request.Operation == StoreOperation.Get ? _values.Find(request.Keys[0])! : []);
}

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
