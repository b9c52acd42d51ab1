using System.Globalization;

namespace Convoy.Analysis.Runs;

/// <summary>What a study varies.</summary>
/// <param name="Processes">How many processes trained; at least 1.</param>
/// <param name="Threads">Threads of each process; null when not recorded.</param>
/// <param name="Precision">The arithmetic, such as <c>fp32</c> or <c>bf16</c>; <see cref="OwnPrecision"/> of a program that was told none, and <see cref="DefaultPrecision"/> when not recorded.</param>
public sealed record Configuration(int Processes, int? Threads = null, string Precision = Configuration.DefaultPrecision)
{
    /// <summary>More than any machine has; what says more is no number of processes.</summary>
    internal const int MostProcesses = 1_000_000;

    /// <summary>What is taken for runs that do not say: training frameworks use it unless asked otherwise.</summary>
    public const string DefaultPrecision = "fp32";

    /// <summary>That of a program which was started without being told one, so that nobody but itself knows it.</summary>
    public const string OwnPrecision = "default";

    /// <summary>The configuration in words, such as <c>4 processes x 2 threads, bf16</c>; without its precision where that is <see cref="OwnPrecision"/>.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Processes} {(Processes == 1 ? "process" : "processes")}{(Threads is { } t ? $" x {t} {(t == 1 ? "thread" : "threads")}" : "")}{(Precision == OwnPrecision ? "" : $", {Precision}")}");
}

/// <summary>The names under which tools write the same precision.</summary>
internal static class PrecisionName
{
    private const int LongestName = 40;

    /// <summary>What is understood, for messages.</summary>
    public const string Known = "fp32, float32, float, bf16, bfloat16, fp16, half, tf32, fp64, double, amp and other short names";

    /// <summary>A precision within a sentence.</summary>
    public static string InWords(string precision) => precision == Configuration.OwnPrecision ? "the program's own precision" : precision;

    /// <summary>
    /// The precision that <paramref name="text"/> names: <c>float32</c> is <c>fp32</c>. A name that is not known stays as it is, in lower
    /// case: it keeps measurements apart. Null when the text is no name: empty, a number, or long.
    /// </summary>
    public static string? Parse(string text)
    {
        string name = text.Trim().ToLowerInvariant();
        if (name.StartsWith("torch.", StringComparison.Ordinal))
        {
            name = name["torch.".Length..];
        }

        return name switch
        {
            "fp32" or "float32" or "float" or "f32" or "single" or "32-true" or "full" or "fp-32" => "fp32",
            "bf16" or "bfloat16" or "bfloat" or "bf16-mixed" or "bf16-true" or "bf-16" => "bf16",
            "fp16" or "float16" or "half" or "f16" or "16-mixed" or "16-true" or "fp-16" => "fp16",
            "fp64" or "float64" or "double" or "f64" or "64-true" => "fp64",
            "tf32" or "tensorfloat32" or "tensorfloat-32" => "tf32",
            "amp" or "mixed" or "mixed precision" or "mixed_precision" or "autocast" => "amp",
            _ when name.Length is 0 or > LongestName || !name.Any(char.IsLetter) || name.Any(char.IsControl) => null,
            _ when double.TryParse(name, NumberStyles.Float, CultureInfo.InvariantCulture, out _) => null,
            _ => name,
        };
    }
}
