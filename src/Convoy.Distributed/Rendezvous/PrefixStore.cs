namespace Convoy.Distributed.Rendezvous;

/// <summary>Another store seen under a prefix, so that two users of one store cannot meet each other's keys.</summary>
/// <remarks>Disposing it leaves the other store open.</remarks>
public sealed class PrefixStore : Store
{
    private readonly string _prefix;
    private readonly Store _store;

    /// <param name="prefix">Put before each key with a slash between.</param>
    /// <param name="store">The store that keeps the values.</param>
    public PrefixStore(string prefix, Store store)
    {
        ArgumentException.ThrowIfNullOrEmpty(prefix);
        ArgumentNullException.ThrowIfNull(store);
        _prefix = prefix;
        _store = store;
    }

    /// <inheritdoc/>
    public override TimeSpan Timeout => _store.Timeout;

    /// <inheritdoc/>
    public override void Set(string key, ReadOnlySpan<byte> value) => _store.Set(Full(key), value);

    /// <inheritdoc/>
    public override byte[] Get(string key, TimeSpan? timeout = null) => _store.Get(Full(key), timeout);

    /// <inheritdoc/>
    public override long Add(string key, long amount) => _store.Add(Full(key), amount);

    /// <inheritdoc/>
    public override void Wait(IReadOnlyList<string> keys, TimeSpan? timeout = null) => _store.Wait([.. keys.Select(Full)], timeout);

    private string Full(string key) => $"{_prefix}/{key}";
}
