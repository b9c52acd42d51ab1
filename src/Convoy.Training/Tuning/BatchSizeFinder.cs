using Convoy.Distributed;
using Convoy.Metrics;
using Convoy.Training.Measurement;

namespace Convoy.Training.Tuning;

/// <summary>
/// Finds the largest batch that fits into memory, for any training step: what Lightning's <c>BatchSizeFinder</c> and Accelerate's <c>find_executable_batch_size</c> do by trying until there is an
/// out-of-memory error. A process on a CPU gets no such error, it is killed; so this measures the peak memory of growing batches, fits a line to them, and stops before the limit.
/// </summary>
/// <remarks>
/// Batches double as long as the fit says that the next one fits; then the largest that it says to fit is tried itself, and the fit made again, until there is no larger one. A batch is never tried
/// that is more than twice as large as those before, nor one that could exceed the limit if all that the process holds grew with the batch, unless two or more measured batches show that it doesn't.
/// <para>The steps train whatever they train. Make model and optimizer anew afterwards.</para>
/// </remarks>
public sealed class BatchSizeFinder
{
    private readonly ProcessGroup _group;
    private readonly RankAgreement _ranks;
    private readonly IPeakMemory _memory;

    /// <summary>A finder for the processes of <paramref name="group"/>, which all use it together.</summary>
    public BatchSizeFinder(ProcessGroup group)
        : this(group, new PeakMemory())
    {
    }

    internal BatchSizeFinder(ProcessGroup group, IPeakMemory memory)
    {
        ArgumentNullException.ThrowIfNull(group);
        (_group, _ranks, _memory) = (group, new RankAgreement(group), memory);
    }

    /// <summary>The batch of each process that is tried first (Lightning's <c>init_val</c>); at least 1. Default 2. It has to fit: nothing is known before it.</summary>
    public int InitialBatchSize { get; init; } = 2;

    /// <summary>The largest batch of a process to try; at least <see cref="InitialBatchSize"/>. Default 8192. The number of samples, say.</summary>
    public int MaxBatchSize { get; init; } = 8192;

    /// <summary>The batch is a multiple of it; at least 1. Default 1. The first batch is <see cref="InitialBatchSize"/> rounded up to one.</summary>
    public int Multiple { get; init; } = 1;

    /// <summary>Steps with each batch (Lightning's <c>steps_per_trial</c>, there 3); at least 1. Default 2: an optimizer makes its state in the first, so the second one's peak is the highest.</summary>
    public int StepsPerTrial { get; init; } = 2;

    /// <summary>Bytes that a process may take; above 0. Null, the default, for its equal share of <see cref="MemoryLimit.Default"/>; that takes all ranks to be on this machine. The smallest of the ranks' holds.</summary>
    public long? MemoryLimitBytes { get; init; }

    /// <summary>Told of each batch that was tried. Default: nobody.</summary>
    public Action<BatchSizeTrial>? OnTrial { get; init; }

    /// <summary>Finds the batch. All ranks call it together, each with its own part of the same step; all get the same answer.</summary>
    /// <param name="step">Takes one whole training step, forward, backward and update, with that many samples in this process.</param>
    /// <exception cref="BadInputException">Not even the first batch fits.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A property is out of its range.</exception>
    /// <exception cref="DistributedException">Another rank failed.</exception>
    public FoundBatchSize Find(Action<int> step)
    {
        ArgumentNullException.ThrowIfNull(step);
        RequireRanges();
        long limit = (long)_ranks.Smallest(MemoryLimitBytes ?? (MemoryLimit.Default(HostProbe.Read()).Bytes / _group.Size));
        bool forgets = _ranks.Smallest(_memory.Forget() ? 1 : 0) > 0;
        var model = new MemoryModel((long)_ranks.Largest(_memory.ReadBytes()));
        var trials = new List<BatchSizeTrial>();
        int fits = 0, ceiling = Floor(MaxBatchSize);
        int? next = Math.Min(ceiling, Floor(InitialBatchSize + Multiple - 1));
        while (next is { } size)
        {
            BatchSizeTrial trial = Try(size, step, limit);
            trials.Add(trial);
            model.Add(size, trial.PeakMemoryBytes);
            OnTrial?.Invoke(trial);
            (fits, ceiling) = trial.Fits ? (Math.Max(fits, size), ceiling) : (fits, size - Multiple);
            if (fits == 0)
            {
                throw new BadInputException(
                    "not even the first batch fits into memory",
                    FormattableString.Invariant($"batch size {size} needs {MemoryLimit.Describe(trial.PeakMemoryBytes)} in each process, the limit is {MemoryLimit.Describe(limit)}"),
                    "Start with a smaller batch, fewer processes or a smaller model.");
            }

            // Where the peak cannot be forgotten, it stays that of a batch that was too large.
            next = trial.Fits || forgets ? Next(model, limit, fits, ceiling, forgets) : null;
        }

        return new FoundBatchSize(fits, trials.Last(trial => trial.BatchSize == fits).PeakMemoryBytes, limit, trials);
    }

    // The next batch to try; null when there is none.
    private int? Next(MemoryModel model, long limit, int fits, int ceiling, bool forgets)
    {
        int larger = Floor(model.LargestWithin(limit, (int)Math.Min(ceiling, 2L * fits)));
        if (larger > fits)
        {
            return larger;
        }

        // One batch alone does not tell what of its memory is fixed, and so whether a larger one fits. A smaller one does.
        int smaller = Floor(fits / 2);
        return model.BatchSizes.Count == 1 && fits < ceiling && smaller > 0 && forgets ? smaller : null;
    }

    private BatchSizeTrial Try(int size, Action<int> step, long limit)
    {
        _ = _memory.Forget();
        for (int number = 0; number < StepsPerTrial; number++)
        {
            step(size);
        }

        long peak = (long)_ranks.Largest(_memory.ReadBytes());
        return new BatchSizeTrial(size, peak, peak <= limit);
    }

    private int Floor(int size) => size / Multiple * Multiple;

    private void RequireRanges()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(InitialBatchSize, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(Multiple, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(StepsPerTrial, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBatchSize, Math.Max(InitialBatchSize, Multiple));
        ArgumentOutOfRangeException.ThrowIfLessThan(MemoryLimitBytes ?? 1, 1);
    }
}

/// <summary>A batch that was tried.</summary>
/// <param name="BatchSize">Its samples in each process.</param>
/// <param name="PeakMemoryBytes">The largest resident set meanwhile, the largest of the ranks'.</param>
/// <param name="Fits">Whether that is within the limit.</param>
public sealed record BatchSizeTrial(int BatchSize, long PeakMemoryBytes, bool Fits);

/// <summary>The largest batch that fits.</summary>
/// <param name="BatchSize">Its samples in each process; the global batch is that times the ranks.</param>
/// <param name="PeakMemoryBytes">What it took, the largest of the ranks'.</param>
/// <param name="MemoryLimitBytes">The limit of each process.</param>
/// <param name="Trials">What was tried, in order.</param>
public sealed record FoundBatchSize(int BatchSize, long PeakMemoryBytes, long MemoryLimitBytes, IReadOnlyList<BatchSizeTrial> Trials);
