using Convoy.Distributed.Errors;

namespace Convoy.Distributed.Rendezvous;

/// <summary>Another store seen under a prefix, so that two users of one store cannot meet each other's keys (PyTorch's <c>PrefixStore</c>).</summary>
public sealed class PrefixStore : Store
{
    private readonly string _prefix;
    private readonly Store _store;
    private readonly bool _ownsStore;

    /// <param name="prefix">Put before each key with a slash between.</param>
    /// <param name="store">The store that keeps the values.</param>
    /// <param name="timeout">How long waits last unless told otherwise; null: as long as the other store's.</param>
    /// <param name="ownsStore">Whether disposing this one disposes the other; default: it stays open.</param>
    public PrefixStore(string prefix, Store store, TimeSpan? timeout = null, bool ownsStore = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(prefix);
        ArgumentNullException.ThrowIfNull(store);
        _prefix = prefix;
        _store = store;
        _ownsStore = ownsStore;
        Timeout = timeout ?? store.Timeout;
    }

    /// <inheritdoc/>
    public override TimeSpan Timeout { get; }

    /// <inheritdoc/>
    public override void Set(string key, ReadOnlySpan<byte> value) => _store.Set(Full(key), value);

    /// <inheritdoc/>
    public override byte[] Get(string key, TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        try
        {
            return _store.Get(Full(key), timeout ?? Timeout, cancellation);
        }
        catch (StoreTimeoutException error)
        {
            throw AsAsked(error);
        }
    }

    /// <inheritdoc/>
    public override long Add(string key, long amount) => _store.Add(Full(key), amount);

    /// <inheritdoc/>
    public override byte[] CompareSet(string key, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> desired) => _store.CompareSet(Full(key), expected, desired);

    /// <inheritdoc/>
    public override bool Delete(string key) => _store.Delete(Full(key));

    /// <inheritdoc/>
    public override bool Contains(IReadOnlyList<string> keys) => _store.Contains(Full(keys));

    /// <inheritdoc/>
    public override int CountKeys() => _store.CountKeys();

    /// <inheritdoc/>
    public override void Wait(IReadOnlyList<string> keys, TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        try
        {
            _store.Wait(Full(keys), timeout ?? Timeout, cancellation);
        }
        catch (StoreTimeoutException error)
        {
            throw AsAsked(error);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_ownsStore)
        {
            _store.Dispose();
        }

        base.Dispose(disposing);
    }

    private string Full(string key)
    {
        RequireKey(key);
        return $"{_prefix}/{key}";
    }

    private string[] Full(IReadOnlyList<string> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return [.. keys.Select(Full)];
    }

    // The message keeps the whole keys, which is what somebody who looks into the store finds; the list is what was asked for.
    private StoreTimeoutException AsAsked(StoreTimeoutException error) =>
        new([.. error.MissingKeys.Select(key => key[(_prefix.Length + 1)..])], error.Timeout, error.Message);
}
