using Convoy.Training.Options;
using System.Globalization;

namespace Convoy.Training.Tuning;

/// <summary>The configurations among which tuning chooses.</summary>
public sealed record TuningSpace
{
    /// <summary>Cores of the machine; at least 1.</summary>
    public required int Cores { get; init; }

    /// <summary>
    /// The batches to choose from, the usual one first; at least one. Each number of processes divides the size of its batch. Null for a program that decides on its batch itself.
    /// </summary>
    public required IReadOnlyList<TrainingBatch>? Batches { get; init; }

    /// <summary>The numbers of processes; null to choose among those up to the cores that divide the size of a batch.</summary>
    public IReadOnlyList<int>? Processes { get; init; }

    /// <summary>The numbers of threads; null to choose between the cores of a process and half of them, for cores that are two to an arithmetic unit.</summary>
    public IReadOnlyList<int>? Threads { get; init; }

    /// <summary>The precisions to choose from; at least one. Null among them for a program that decides on it itself.</summary>
    public required IReadOnlyList<Precision?> Precisions { get; init; }

    /// <summary>The memory formats to choose from; at least one. Null among them for a program that decides on it itself.</summary>
    public IReadOnlyList<bool?> ChannelsLast { get; init; } = [true, false];

    /// <summary>The numbers of loader threads to choose from, the usual one first; at least one. Null among them for a program that decides on it itself.</summary>
    public IReadOnlyList<int?> Workers { get; init; } = [4, 2, 1];

    /// <summary>
    /// Everything that changes how fast a step computes but the batch, each with the usual batch (or the nearest to it that the processes share equally) and the usual number of loader threads,
    /// in the order of trial: those that use all cores first, so that a small budget is spent on them, and among them by chance.
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
               select new TuningConfiguration(processes, threads, precision, channelsLast, Workers[0], UsualBatch(processes)),
        ];
        new Random(seed).Shuffle(all);
        return [.. all.OrderByDescending(c => Math.Min(Cores, c.Processes * c.Threads))];
    }

    /// <summary><paramref name="configuration"/> with every batch that its processes share equally, its own first.</summary>
    public IReadOnlyList<TuningConfiguration> WithBatches(TuningConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return [configuration, .. BatchesOf(configuration.Processes).Where(batch => batch != configuration.Batch).Select(batch => configuration with { Batch = batch })];
    }

    /// <summary><paramref name="configuration"/> with the next smaller batch, which takes less memory; null when there is none.</summary>
    public TuningConfiguration? WithSmallerBatch(TuningConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        return BatchesOf(configuration.Processes).Where(batch => batch.Size < configuration.Batch?.Size).MaxBy(batch => batch.Size) is { } smaller ? configuration with { Batch = smaller } : null;
    }

    /// <summary><paramref name="best"/> with every number of loader threads, its own first.</summary>
    public IReadOnlyList<TuningConfiguration> WithWorkers(TuningConfiguration best)
    {
        ArgumentNullException.ThrowIfNull(best);
        return [best, .. Workers.Where(workers => workers != best.Workers).Select(workers => best with { Workers = workers })];
    }

    /// <summary>This space without batches that are larger than the data, but for the usual one.</summary>
    /// <param name="samples">Samples to train on.</param>
    public TuningSpace WithSamples(int samples) =>
        Batches is null ? this : this with { Batches = [Batches[0], .. Batches.Skip(1).Where(batch => batch.Size <= samples)] };

    private IEnumerable<TrainingBatch> BatchesOf(int processes) => (Batches ?? []).Where(batch => batch.Size % processes == 0);

    // Where no batch goes with the processes it is the usual one, whose check says so.
    private TrainingBatch? UsualBatch(int processes) => Batches is null ? null
        : BatchesOf(processes).MinBy(batch => Math.Abs(Math.Log2((double)batch.Size / Batches[0].Size))) ?? Batches[0];

    private IEnumerable<int> ProcessCounts() =>
        Processes ?? Enumerable.Range(1, Cores).Where(count => Batches is null || BatchesOf(count).Any());

    private IEnumerable<int> ThreadCounts(int processes)
    {
        if (Threads is { } given)
        {
            return given;
        }

        int share = Math.Max(1, Cores / processes);
        return ((int[])[share, share / 2]).Where(threads => threads >= 1).Distinct();
    }
}

/// <summary>What tuning chooses: everything that changes how fast a run is, and hardly what it learns. Null is what is the program's own matter.</summary>
/// <param name="Processes">Processes that train; at least 1.</param>
/// <param name="Threads">libtorch's threads in each of them; at least 1.</param>
/// <param name="Precision">The type of convolutions and matrix products.</param>
/// <param name="ChannelsLast">Whether features lie with their channels innermost.</param>
/// <param name="Workers">Loader threads of each process; 0 or more.</param>
/// <param name="Batch">The batch, whose size the processes share equally, and the accumulation.</param>
public sealed record TuningConfiguration(int Processes, int Threads, Precision? Precision, bool? ChannelsLast, int? Workers, TrainingBatch? Batch)
{
    /// <summary>Samples of a step in each process; 0 where the batch is the program's own matter.</summary>
    public int LocalBatchSize => (Batch?.Size ?? 0) / Processes;

    /// <summary><paramref name="options"/> with this configuration.</summary>
    public TrainingOptions ApplyTo(TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options with
        {
            Nproc = Processes,
            Threads = Threads,
            Precision = Precision ?? options.Precision,
            ChannelsLast = ChannelsLast ?? options.ChannelsLast,
            Workers = Workers ?? options.Workers,
            BatchSize = Batch?.Size ?? options.BatchSize,
            Accumulate = Batch?.Accumulate ?? options.Accumulate,
        };
    }

    /// <summary>The configuration in words.</summary>
    public override string ToString()
    {
        string[] parts =
        [
            string.Create(CultureInfo.InvariantCulture, $"{Processes} x {Threads}"),
            .. Precision is { } precision ? (string[])[precision.Name()] : [],
            .. ChannelsLast is { } last ? (string[])[last ? "channels last" : "contiguous"] : [],
            .. Batch is { } batch ? (string[])[$"batch {batch}"] : [],
            .. Workers is { } workers ? (string[])[string.Create(CultureInfo.InvariantCulture, $"{workers} loader {(workers == 1 ? "thread" : "threads")}")] : [],
        ];
        return string.Join(", ", parts);
    }
}
