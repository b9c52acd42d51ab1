using System.Globalization;

namespace Convoy.Analysis.Runs;

/// <summary>What a study varies.</summary>
/// <param name="Processes">How many processes trained; at least 1.</param>
/// <param name="Threads">Threads of each process; null when not recorded.</param>
/// <param name="Precision">The arithmetic, such as <c>fp32</c> or <c>bf16</c>; <see cref="DefaultPrecision"/> when not recorded.</param>
public sealed record Configuration(int Processes, int? Threads = null, string Precision = Configuration.DefaultPrecision)
{
    /// <summary>More than any machine has; what says more is no number of processes.</summary>
    internal const int MostProcesses = 1_000_000;

    /// <summary>What is taken for runs that do not say: training frameworks use it unless told otherwise.</summary>
    public const string DefaultPrecision = "fp32";

    /// <summary>The configuration in words, such as <c>4 processes x 2 threads, bf16</c>.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Processes} {(Processes == 1 ? "process" : "processes")}{(Threads is { } t ? $" x {t} {(t == 1 ? "thread" : "threads")}" : "")}, {Precision}");
}
