
namespace Convoy.Analysis;

/// <summary>Numbers and nouns as people read them; always with a decimal point.</summary>
public static class Wording
{
    /// <summary>Seconds with their unit: four significant digits, milliseconds below 1 s.</summary>
    public static string Seconds(double seconds) => seconds switch
    {
        0 => "0 s",
        < 0.001 => Text($"{seconds * 1e6:0.#} us"),
        < 1 => Text($"{seconds * 1e3:0.##} ms"),
        < 100 => Text($"{seconds:0.000} s"),
        _ => Text($"{seconds:0.00} s"),
    };

    /// <summary>Seconds without their unit, as columns of tables have them.</summary>
    public static string SecondsAlone(double seconds) => seconds >= 10 ? Text($"{seconds:0.00}") : Text($"{seconds:0.0000}");

    /// <summary>Bytes in MiB, above 10 GiB in GiB.</summary>
    public static string Bytes(long bytes) => bytes < 10L << 30 ? Text($"{bytes / (double)(1 << 20):0.0} MiB") : Text($"{bytes / (double)(1 << 30):0.0} GiB");

    /// <summary>A share as a percentage with one decimal.</summary>
    public static string Percent(double share) => Text($"{share * 100:0.0} %");

    /// <summary>A noun with its article: <c>an image</c>.</summary>
    public static string WithArticle(string noun) => $"{(noun.Length > 0 && "aeiou".Contains(noun[0], StringComparison.Ordinal) ? "an" : "a")} {noun}";

    /// <summary>Measured peaks of matrix products, a process of each number of threads.</summary>
    internal static string Peaks(IReadOnlyList<Metrics.MatrixPeak>? peaks) => peaks is { Count: > 0 }
        ? string.Join(", ", peaks.Select(p => Text($"{p.Precision} {p.GigaflopsPerSecond:0.#} GFLOP/s with {p.Threads} {(p.Threads == 1 ? "thread" : "threads")}")))
        : "not measured";

    /// <summary>A text in the invariant culture.</summary>
    internal static string Text(FormattableString text) => FormattableString.Invariant(text);
}
