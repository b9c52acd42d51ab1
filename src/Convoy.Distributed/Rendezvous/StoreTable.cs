using System.Globalization;
using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>The values behind a <see cref="TcpStoreServer"/>, and who waits for which.</summary>
internal sealed class StoreTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, byte[]> _values = [];
    private readonly Dictionary<string, TaskCompletionSource> _awaited = [];

    public void Set(string key, byte[] value)
    {
        lock (_lock)
        {
            Put(key, value);
        }
    }

    /// <summary>The value, or null when there is none.</summary>
    public byte[]? Find(string key)
    {
        lock (_lock)
        {
            return _values.GetValueOrDefault(key);
        }
    }

    /// <summary>The counter's new value, or null when the key holds something that is no counter.</summary>
    public long? Add(string key, long amount)
    {
        lock (_lock)
        {
            long sum = amount;
            if (_values.TryGetValue(key, out byte[]? old))
            {
                if (!long.TryParse(old, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long before))
                {
                    return null;
                }

                sum = unchecked(before + amount);
            }

            Put(key, Encoding.ASCII.GetBytes(sum.ToString(CultureInfo.InvariantCulture)));
            return sum;
        }
    }

    /// <summary>Waits until all keys are set; gives those that were not after <paramref name="timeout"/>.</summary>
    public async Task<IReadOnlyList<string>> WaitAsync(IReadOnlyList<string> keys, TimeSpan timeout, CancellationToken stop)
    {
        Task allSet = Task.WhenAll(keys.Select(Awaiting));
        await Task.WhenAny(allSet, Task.Delay(timeout, stop)).ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();
        lock (_lock)
        {
            return [.. keys.Where(key => !_values.ContainsKey(key))];
        }
    }

    private Task Awaiting(string key)
    {
        lock (_lock)
        {
            if (_values.ContainsKey(key))
            {
                return Task.CompletedTask;
            }

            if (!_awaited.TryGetValue(key, out TaskCompletionSource? source))
            {
                // Continuations must not run inside the lock of whoever sets the key.
                source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _awaited.Add(key, source);
            }

            return source.Task;
        }
    }

    private void Put(string key, byte[] value)
    {
        _values[key] = value;
        if (_awaited.Remove(key, out TaskCompletionSource? source))
        {
            source.SetResult();
        }
    }
}
