using System.Globalization;
using Convoy.Training;

namespace Convoy.Cli.Benchmarks;

/// <summary>Sizes as people write them: <c>4096</c>, <c>4K</c>, <c>1MiB</c>, <c>52MB</c>.</summary>
internal static class MessageSize
{
    private const string Remedy = "Give bytes as 4096, 4K, 1M (powers of 1024) or 52MB (powers of 1000), separated by commas.";

    private static readonly (string Suffix, long Factor)[] Units =
    [
        ("KIB", 1L << 10), ("MIB", 1L << 20), ("GIB", 1L << 30),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("K", 1L << 10), ("M", 1L << 20), ("G", 1L << 30),
        ("B", 1), (string.Empty, 1),
    ];

    private static readonly (string Name, long Factor)[] Names =
    [
        ("GiB", 1L << 30), ("GB", 1_000_000_000), ("MiB", 1L << 20), ("MB", 1_000_000), ("KiB", 1L << 10), ("KB", 1_000), ("B", 1),
    ];

    /// <summary>Reads sizes that are separated by commas.</summary>
    /// <returns>Bytes, at least 1 each.</returns>
    /// <exception cref="BadInputException">One of them is no size.</exception>
    public static IReadOnlyList<long> ParseList(string text) => [.. text.Split(',').Select(Parse)];

    /// <summary>Writes bytes shortly and exactly: 64 KiB, 52 MB, 4097 B.</summary>
    public static string Describe(long bytes)
    {
        (string name, long factor) = Names.First(unit => bytes % unit.Factor == 0);
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / factor} {name}");
    }

    private static long Parse(string text)
    {
        string trimmed = text.Trim();
        (string suffix, long factor) = Units.First(unit => trimmed.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase));
        bool isNumber = long.TryParse(trimmed[..^suffix.Length].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out long number);
        return isNumber && number >= 1 && number <= (1L << 40) / factor
            ? number * factor
            : throw new BadInputException("not a size", text, Remedy);
    }
}
