using System.Globalization;
using Convoy.Metrics;

namespace Convoy.Training.Tuning;

/// <summary>How much memory all processes of a job on one machine may take together.</summary>
/// <param name="Bytes">The limit in bytes; above 0.</param>
public readonly record struct MemoryLimit(long Bytes)
{
    /// <summary>The share of the memory that is free which <see cref="Default"/> takes: the rest is for what short trials don't see, such as checkpoints and evaluation.</summary>
    public const double DefaultShare = 0.9;

    private const string Unit = "GiB";
    private const double Most = 1 << 20;

    /// <summary>90 % of what is available now: of the machine's memory, or of what the control group (container) leaves of its limit.</summary>
    /// <param name="host">The machine.</param>
    public static MemoryLimit Default(HostInfo host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return new MemoryLimit(Math.Max(1, (long)(host.MemoryAvailableBytes * DefaultShare)));
    }

    /// <summary>Reads a limit: <c>12</c> or <c>12GiB</c>, or a share of the machine's whole memory (of the control group's limit, where there is one): <c>80%</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="host">The machine.</param>
    /// <exception cref="BadInputException">It is neither.</exception>
    public static MemoryLimit Parse(string text, HostInfo host)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(host);
        bool isShare = text.EndsWith('%');
        string number = isShare ? text[..^1] : text.EndsWith(Unit, StringComparison.OrdinalIgnoreCase) ? text[..^Unit.Length] : text;
        return double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value) && value > 0 && value <= (isShare ? 100 : Most)
            ? new MemoryLimit(Math.Max(1, (long)(isShare ? host.MemoryTotalBytes * (value / 100) : value * (1L << 30))))
            : throw new BadInputException("--memory-limit is no amount of memory", BadInputException.Excerpt(text), "Give GiB such as 12 or 1.5, or a share of the machine's memory such as 80%.");
    }

    /// <summary>Bytes in words, such as <c>1.25 GiB</c>.</summary>
    public static string Describe(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.00} {Unit}");

    /// <summary>The limit in words.</summary>
    public override string ToString() => Describe(Bytes);
}
