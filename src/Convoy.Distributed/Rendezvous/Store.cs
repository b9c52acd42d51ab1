using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// A small key-value table that all processes of a job share while they find each other (PyTorch's <c>c10d::Store</c>).
/// Keys are UTF-8 text of 1 to 1024 bytes, values at most 16 MiB. All members may be called from several threads.
/// </summary>
public abstract class Store : IDisposable
{
    /// <summary>The time-out of a wait that names none. Default: 5 minutes.</summary>
    public static TimeSpan DefaultTimeout => TimeSpan.FromMinutes(5);

    /// <summary>How long <see cref="Get"/> and <see cref="Wait"/> wait unless told otherwise.</summary>
    public abstract TimeSpan Timeout { get; }

    /// <summary>Sets <paramref name="key"/> to <paramref name="value"/>, replacing what was there, and wakes who waits for it.</summary>
    public abstract void Set(string key, ReadOnlySpan<byte> value);

    /// <summary>The value of <paramref name="key"/>, waiting until somebody sets it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="timeout">How long to wait; null: <see cref="Timeout"/>.</param>
    /// <exception cref="Errors.StoreTimeoutException">Nobody set it in time.</exception>
    public abstract byte[] Get(string key, TimeSpan? timeout = null);

    /// <summary>
    /// Adds <paramref name="amount"/> to the counter <paramref name="key"/>, which starts at 0, in one indivisible step, and
    /// gives its new value. A counter's value is its decimal digits, as in PyTorch.
    /// </summary>
    /// <exception cref="Errors.DistributedException">The key holds something that is no whole number.</exception>
    public abstract long Add(string key, long amount);

    /// <summary>Waits until every one of <paramref name="keys"/> is set.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="timeout">How long to wait; null: <see cref="Timeout"/>.</param>
    /// <exception cref="Errors.StoreTimeoutException">Some were not set in time; it lists them.</exception>
    public abstract void Wait(IReadOnlyList<string> keys, TimeSpan? timeout = null);

    /// <summary>Sets <paramref name="key"/> to UTF-8 text.</summary>
    public void Set(string key, string value) => Set(key, Encoding.UTF8.GetBytes(value));

    /// <summary>The UTF-8 text at <paramref name="key"/>; see <see cref="Get"/>.</summary>
    public string GetText(string key, TimeSpan? timeout = null) => Encoding.UTF8.GetString(Get(key, timeout));

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
}
