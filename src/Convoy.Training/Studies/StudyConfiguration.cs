using System.Globalization;

namespace Convoy.Training.Studies;

/// <summary>What a study varies.</summary>
/// <param name="Processes">Processes that train; at least 1.</param>
/// <param name="Threads">libtorch's threads in each of them; at least 1.</param>
/// <param name="Precision">The type of convolutions and matrix products; null where the program is told none and computes in its own.</param>
public sealed record StudyConfiguration(int Processes, int Threads, Precision? Precision)
{
    /// <summary>A name for files: <c>2x1-bf16</c>, or <c>2x1</c> without a precision.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Processes}x{Threads}{(Precision is { } precision ? $"-{precision.Name()}" : "")}");

    /// <summary>Whether there are more threads than <paramref name="cores"/>, so that they take turns.</summary>
    public bool IsOversubscribed(int cores) => (long)Processes * Threads > cores;

    /// <summary>How many of <paramref name="cores"/> compute at once.</summary>
    public int BusyCores(int cores) => (int)Math.Min((long)Processes * Threads, cores);

    /// <summary>The configuration in words: <c>2 processes x 1 thread, bf16</c>.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Processes} {(Processes == 1 ? "process" : "processes")} x {Threads} {(Threads == 1 ? "thread" : "threads")}{(Precision is { } precision ? $", {precision.Name()}" : "")}");
}

/// <summary>One run of a study.</summary>
/// <param name="Configuration">What it trains with.</param>
/// <param name="Repeat">Which of the configuration's runs it is, from 1.</param>
public sealed record StudyRun(StudyConfiguration Configuration, int Repeat)
{
    /// <summary>The name of its run directory: <c>2x1-bf16-run1</c>.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Configuration.Name}-run{Repeat}");
}
