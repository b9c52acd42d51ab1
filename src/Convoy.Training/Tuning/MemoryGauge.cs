namespace Convoy.Training.Tuning;

/// <summary>Says before a trial whether its processes fit into their memory, by what other batches took: of the same configuration, or else, with a margin, of others.</summary>
internal sealed class MemoryGauge
{
    // What another precision or memory format, or another number of processes, may take more than one that is known.
    private const double OtherConfigurations = 1.5;

    // Two samples and not one: batch norm has no variance of one value.
    private const int SmallestProbe = 2;

    private readonly Dictionary<MemoryFamily, MemoryModel> _models = [];
    private readonly long _idleBytes;

    /// <param name="memory">The limit, and what is known.</param>
    /// <param name="idleBytes">What a process holds before it has a model.</param>
    public MemoryGauge(TrialMemory memory, long idleBytes)
    {
        (LimitBytes, _idleBytes) = (memory.LimitBytes, idleBytes);
        foreach (MemoryPoint point in memory.Known)
        {
            Add(point);
        }
    }

    /// <summary>The limit of each process.</summary>
    public long LimitBytes { get; }

    /// <summary>A batch was measured.</summary>
    public void Add(MemoryPoint point) => Model(MemoryFamily.Of(point)).Add(point.LocalBatchSize, point.PeakBytes);

    /// <summary>Whether a batch fits.</summary>
    /// <param name="family">What it is a batch of.</param>
    /// <param name="batchSize">Samples of a step in each process.</param>
    public MemoryVerdict Judge(MemoryFamily family, int batchSize)
    {
        MemoryModel model = Model(family);
        double? bound = model.AtMost(batchSize);
        if ((bound ?? BoundOfOthers(family, batchSize)) <= LimitBytes)
        {
            return MemoryVerdict.Fits;
        }

        int below = model.BatchSizes.LastOrDefault(size => size < batchSize);
        if (model.BatchSizes.Contains(batchSize))
        {
            return MemoryVerdict.TooLarge(bound!.Value);
        }

        if (below == 0)
        {
            return batchSize <= SmallestProbe ? MemoryVerdict.Fits : MemoryVerdict.TryFirst(SmallestProbe);
        }

        if (model.Estimate(batchSize) is { } estimate && estimate > LimitBytes)
        {
            return MemoryVerdict.TooLarge(estimate);
        }

        int between = model.LargestWithin(LimitBytes, Math.Min(batchSize - 1, 2 * below));
        return between > below ? MemoryVerdict.TryFirst(between)
            : below > 1 && model.BatchSizes.Count == 1 ? MemoryVerdict.TryFirst(below / 2) // which tells what is fixed
            : MemoryVerdict.TooLarge(bound!.Value);
    }

    private double? BoundOfOthers(MemoryFamily family, int batchSize) =>
        _models.Where(other => other.Key != family).Max(other => other.Value.AtMost(batchSize)) * OtherConfigurations;

    private MemoryModel Model(MemoryFamily family)
    {
        if (!_models.TryGetValue(family, out MemoryModel? model))
        {
            _models.Add(family, model = new MemoryModel(_idleBytes));
        }

        return model;
    }
}

/// <summary>What decides, beside the batch, what memory a process takes.</summary>
internal readonly record struct MemoryFamily(int Processes, Precision Precision, bool ChannelsLast)
{
    /// <summary>That of a measured batch.</summary>
    public static MemoryFamily Of(MemoryPoint point) => new(point.Processes, point.Precision, point.ChannelsLast);

    /// <summary>A batch of it that was measured.</summary>
    public MemoryPoint Point(int localBatchSize, long peakBytes) => new(Processes, Precision, ChannelsLast, localBatchSize, peakBytes);
}

/// <summary>What is to be done with a batch: one of the two is set where it does not simply fit.</summary>
/// <param name="NeededBytes">It does not fit: what it would need.</param>
/// <param name="ProbeSize">A smaller batch is to be measured first, which tells more.</param>
internal readonly record struct MemoryVerdict(double? NeededBytes, int? ProbeSize)
{
    public static MemoryVerdict Fits => default;

    public static MemoryVerdict TooLarge(double neededBytes) => new(neededBytes, null);

    public static MemoryVerdict TryFirst(int probeSize) => new(null, probeSize);
}
