using System.Globalization;
using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>What the keys of a store hold, and what each operation makes of it. Whoever owns it keeps threads apart.</summary>
internal sealed class StoreValues
{
    private readonly Dictionary<string, byte[]> _values = new(StringComparer.Ordinal);

    public int Count => _values.Count;

    public void Set(string key, byte[] value) => _values[key] = value;

    /// <summary>The value, or null when there is none.</summary>
    public byte[]? Find(string key) => _values.GetValueOrDefault(key);

    public bool Contains(string key) => _values.ContainsKey(key);

    public bool Delete(string key) => _values.Remove(key);

    public void Clear() => _values.Clear();

    /// <summary>What the counter would hold after adding <paramref name="amount"/>; null when the key holds something that is no counter.</summary>
    public long? SumWith(string key, long amount) =>
        !_values.TryGetValue(key, out byte[]? old) ? amount
        : long.TryParse(old, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long before) ? unchecked(before + amount)
        : null;

    /// <summary>Whether a compare-and-set that expects <paramref name="expected"/> would set the key: an empty expectation also fits an absent key.</summary>
    public bool Meets(string key, ReadOnlySpan<byte> expected) =>
        _values.TryGetValue(key, out byte[]? value) ? expected.SequenceEqual(value) : expected.IsEmpty;

    /// <summary>A counter's value as it is kept.</summary>
    public static byte[] Digits(long number) => Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));

    /// <summary>Why <see cref="SumWith"/> gave nothing.</summary>
    public static string NoCounter(string key) => $"'{key}' does not hold a whole number";
}
