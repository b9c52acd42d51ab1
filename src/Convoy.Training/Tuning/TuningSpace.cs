using Convoy.Training.Options;
using Convoy.Training.Runs;
using System.Globalization;

namespace Convoy.Training.Tuning;

/// <summary>The configurations among which tuning chooses.</summary>
public sealed record TuningSpace
{
    /// <summary>Cores of the machine; at least 1.</summary>
    public required int Cores { get; init; }

    /// <summary>Images of one step over all processes; each number of processes divides it.</summary>
    public required int BatchSize { get; init; }

    /// <summary>The number of processes; null to choose among the divisors of the batch up to the cores.</summary>
    public int? Processes { get; init; }

    /// <summary>The number of threads; null to choose between the cores of a process and half of them, for cores that are two to an arithmetic unit.</summary>
    public int? Threads { get; init; }

    /// <summary>The precisions to choose from; at least one.</summary>
    public required IReadOnlyList<Precision> Precisions { get; init; }

    /// <summary>The memory formats to choose from; at least one.</summary>
    public IReadOnlyList<bool> ChannelsLast { get; init; } = [true, false];

    /// <summary>The numbers of loader threads to choose from, the usual one first; at least one.</summary>
    public IReadOnlyList<int> Workers { get; init; } = [4, 2, 1];

    /// <summary>
    /// Everything that changes how fast a step computes, with the usual number of loader threads, in the order of trial: those
    /// that use all cores first, so that a small budget is spent on them, and among them by chance.
    /// </summary>
    /// <param name="seed">Decides the order.</param>
    public IReadOnlyList<TuningConfiguration> Candidates(int seed)
    {
        TuningConfiguration[] all =
        [
            .. from processes in ProcessCounts()
               from threads in ThreadCounts(processes)
               from precision in Precisions
               from channelsLast in ChannelsLast
               select new TuningConfiguration(processes, threads, precision, channelsLast, Workers[0]),
        ];
        new Random(seed).Shuffle(all);
        return [.. all.OrderByDescending(c => Math.Min(Cores, c.Processes * c.Threads))];
    }

    /// <summary><paramref name="best"/> with every number of loader threads, its own first.</summary>
    public IReadOnlyList<TuningConfiguration> WithWorkers(TuningConfiguration best)
    {
        ArgumentNullException.ThrowIfNull(best);
        return [best, .. Workers.Where(workers => workers != best.Workers).Select(workers => best with { Workers = workers })];
    }

    private IEnumerable<int> ProcessCounts() =>
        Processes is { } given ? [given] : Enumerable.Range(1, Math.Min(Cores, BatchSize)).Where(count => BatchSize % count == 0);

    private IEnumerable<int> ThreadCounts(int processes)
    {
        if (Threads is { } given)
        {
            return [given];
        }

        int share = Math.Max(1, Cores / processes);
        return ((int[])[share, share / 2]).Where(threads => threads >= 1).Distinct();
    }
}

/// <summary>What tuning chooses: everything that changes how fast a run is, and hardly what it learns.</summary>
/// <param name="Processes">Processes that train; at least 1.</param>
/// <param name="Threads">libtorch's threads in each of them; at least 1.</param>
/// <param name="Precision">The type of convolutions and matrix products.</param>
/// <param name="ChannelsLast">Whether features lie with their channels innermost.</param>
/// <param name="Workers">Loader threads of each process; 0 or more.</param>
public sealed record TuningConfiguration(int Processes, int Threads, Precision Precision, bool ChannelsLast, int Workers)
{
    /// <summary><paramref name="options"/> with this configuration.</summary>
    public TrainingOptions ApplyTo(TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options with { Nproc = Processes, Threads = Threads, Precision = Precision, ChannelsLast = ChannelsLast, Workers = Workers };
    }

    /// <summary>The configuration in words.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Processes} x {Threads}, {Precision.Name()}, {(ChannelsLast ? "channels last" : "contiguous")}, {Workers} loader {(Workers == 1 ? "thread" : "threads")}");
}
