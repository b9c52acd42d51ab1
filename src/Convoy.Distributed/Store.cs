using System.Text;

namespace Convoy.Distributed;

/// <summary>
/// A small key-value table that all processes of a job share while they find each other (PyTorch's <c>c10d::Store</c>).
/// Keys are UTF-8 text of 1 to 1024 bytes, values at most 16 MiB. All members may be called from several threads; a wait on
/// one thread holds up no other.
/// </summary>
public abstract class Store : IDisposable
{
    internal const int MaximumKeyBytes = 1024;

    internal const int MaximumValueBytes = 16 << 20;

    internal const int MaximumKeys = 65536;

    internal const int MaximumKeysBytes = MaximumValueBytes + 2048;

    /// <summary>The timeout of a wait that names none. Default: 5 minutes.</summary>
    public static TimeSpan DefaultTimeout => TimeSpan.FromMinutes(5);

    /// <summary>How long <see cref="Get"/> and <see cref="Wait"/> wait unless told otherwise.</summary>
    public abstract TimeSpan Timeout { get; }

    /// <summary>Sets <paramref name="key"/> to <paramref name="value"/>, replacing what was there, and wakes who waits for it.</summary>
    public abstract void Set(string key, ReadOnlySpan<byte> value);

    /// <summary>The value of <paramref name="key"/>, waiting until somebody sets it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="timeout">How long to wait; null: <see cref="Timeout"/>.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="StoreTimeoutException">Nobody set it in time, or the store's host gave up waiting before.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public abstract byte[] Get(string key, TimeSpan? timeout = null, CancellationToken cancellation = default);

    /// <summary>
    /// Adds <paramref name="amount"/> to the counter <paramref name="key"/>, which starts at 0, in one indivisible step, and
    /// gives its new value. A counter's value is its decimal digits, as in PyTorch.
    /// </summary>
    /// <exception cref="DistributedException">The key does not hold a whole number.</exception>
    public abstract long Add(string key, long amount);

    /// <summary>
    /// Sets <paramref name="key"/> to <paramref name="desired"/> in one indivisible step if it holds
    /// <paramref name="expected"/>, or if it is absent and <paramref name="expected"/> is empty (PyTorch's
    /// <c>compare_set</c>).
    /// </summary>
    /// <returns>
    /// What the key holds afterwards: <paramref name="desired"/> when it was set, otherwise what another put there. When the key
    /// is absent and <paramref name="expected"/> is not empty, nothing is set and <paramref name="expected"/> comes back, as in
    /// PyTorch.
    /// </returns>
    public abstract byte[] CompareSet(string key, ReadOnlySpan<byte> expected, ReadOnlySpan<byte> desired);

    /// <summary>Removes <paramref name="key"/> (PyTorch's <c>delete_key</c>).</summary>
    /// <returns>Whether it was there.</returns>
    public abstract bool Delete(string key);

    /// <summary>Whether every one of <paramref name="keys"/> is set now; does not wait (PyTorch's <c>check</c>).</summary>
    public abstract bool Contains(IReadOnlyList<string> keys);

    /// <summary>
    /// How many keys are set now (PyTorch's <c>num_keys</c>, whose TCPStore counts one of its own besides). Through a
    /// <see cref="PrefixStore"/>: those of the whole store behind it.
    /// </summary>
    public abstract int CountKeys();

    /// <summary>Waits until every one of <paramref name="keys"/> is set.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="timeout">How long to wait; null: <see cref="Timeout"/>.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="StoreTimeoutException">Some were not set in time, or the store's host gave up waiting before; it lists them.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public abstract void Wait(IReadOnlyList<string> keys, TimeSpan? timeout = null, CancellationToken cancellation = default);

    /// <summary>Sets <paramref name="key"/> to UTF-8 text.</summary>
    public void Set(string key, string value) => Set(key, Encoding.UTF8.GetBytes(value));

    /// <summary>The UTF-8 text at <paramref name="key"/>; see <see cref="Get"/>.</summary>
    public string GetText(string key, TimeSpan? timeout = null, CancellationToken cancellation = default) => Encoding.UTF8.GetString(Get(key, timeout, cancellation));

    /// <summary>The same with UTF-8 text; see <see cref="CompareSet(string, ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>.</summary>
    public string CompareSet(string key, string expected, string desired) =>
        Encoding.UTF8.GetString(CompareSet(key, Encoding.UTF8.GetBytes(expected), Encoding.UTF8.GetBytes(desired)));

    /// <summary>Whether <paramref name="key"/> is set now; does not wait.</summary>
    public bool Contains(string key) => Contains([key]);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what the store holds open.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }

    private protected static void RequireKey(string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        int bytes = Encoding.UTF8.GetByteCount(key);
        if (bytes > MaximumKeyBytes)
        {
            throw new ArgumentException(FormattableString.Invariant($"a key of {bytes} bytes is too long for the store, which takes at most {MaximumKeyBytes}. Shorten '{key[..40]}...'."), nameof(key));
        }
    }

    private protected static void RequireKeys(IReadOnlyList<string> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        long bytes = 0;
        foreach (string key in keys)
        {
            RequireKey(key);
            bytes += sizeof(int) + Encoding.UTF8.GetByteCount(key);
        }

        if (keys.Count > MaximumKeys || bytes > MaximumKeysBytes)
        {
            throw new ArgumentException(FormattableString.Invariant(
                $"{keys.Count} keys of {bytes} bytes are too many for one call of the store, which takes {MaximumKeys} of 16 MiB. Ask for them in parts."), nameof(keys));
        }
    }

    private protected static void RequireValue(int bytes)
    {
        if (bytes > MaximumValueBytes)
        {
            throw new ArgumentException(FormattableString.Invariant($"a value of {bytes} bytes is too large for the store, which takes at most 16 MiB. Send it through the process group."));
        }
    }
}

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
