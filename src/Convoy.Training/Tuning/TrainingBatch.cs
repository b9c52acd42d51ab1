using System.Globalization;

namespace Convoy.Training.Tuning;

/// <summary>How many samples an update is made of, and in how many steps.</summary>
/// <param name="Size">Samples of one step over all processes; at least 1.</param>
/// <param name="Accumulate">Steps whose gradients make one update; at least 1.</param>
public sealed record TrainingBatch(int Size, int Accumulate)
{
    /// <summary>Samples of an update over all processes: what training sees of both numbers, but for batch norm, which takes its statistics over a step.</summary>
    public long Effective => (long)Size * Accumulate;

    /// <summary>The batch as <c>8 x 2</c>: size and accumulation.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Size} x {Accumulate}");
}

/// <summary>How many samples an update may be made of.</summary>
/// <param name="Least">At least 1.</param>
/// <param name="Most">At least <paramref name="Least"/>.</param>
public readonly record struct EffectiveBatchRange(long Least, long Most)
{
    // Two batches that are nearer to each other than this differ by less in speed than trials tell.
    private const double LeastRatio = 1.8;

    // Beyond any update that is cut into steps in more than one way.
    private const int MostEffective = 1 << 20;

    /// <summary>Reads <c>32</c>, or a range such as <c>16-64</c>.</summary>
    /// <exception cref="BadInputException">It is neither.</exception>
    public static EffectiveBatchRange Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('-');
        return parts.Length <= 2 && Number(parts[0]) is { } least && Number(parts[^1]) is { } most && least <= most
            ? new EffectiveBatchRange(least, most)
            : throw new BadInputException("--effective-batch is no number of samples", BadInputException.Excerpt(text), "Give the samples of an update such as 32, or a range such as 16-64.");
    }

    /// <summary>
    /// The batches to choose from. The effective batch doubles from the least to the most; it is cut into steps of sizes that lie about a factor of 2 apart, and where several make
    /// steps of the same size, the one nearest to the usual is taken: it is the size of a step that decides how fast it is and what memory it takes.
    /// </summary>
    /// <param name="usual">Where nothing is chosen; the one of the result that is nearest to it comes first.</param>
    /// <param name="isSizeGiven">Whether the size is not to be chosen.</param>
    /// <param name="isAccumulateGiven">Whether the accumulation is not to be chosen.</param>
    /// <returns>At least one batch.</returns>
    /// <exception cref="BadInputException">What is given doesn't go together.</exception>
    public IReadOnlyList<TrainingBatch> Batches(TrainingBatch usual, bool isSizeGiven = false, bool isAccumulateGiven = false)
    {
        ArgumentNullException.ThrowIfNull(usual);
        TrainingBatch[] ofEachSize =
        [
            .. EffectiveBatches(usual.Effective).SelectMany(effective => Divisions(effective, usual))
                .Where(batch => (!isSizeGiven || batch.Size == usual.Size) && (!isAccumulateGiven || batch.Accumulate == usual.Accumulate))
                .GroupBy(batch => batch.Size, (_, same) => same.MinBy(batch => Distance(batch.Effective, usual.Effective))!)
                .OrderByDescending(batch => batch.Size),
        ];
        return ofEachSize.Length > 0
            ? [.. Thin(ofEachSize, usual).OrderBy(batch => Distance(batch.Effective, usual.Effective)).ThenBy(batch => Distance(batch.Size, usual.Size))]
            : throw new BadInputException(
                "no batch goes with what is given",
                $"--effective-batch {this}{(isSizeGiven ? FormattableString.Invariant($", --batch-size {usual.Size}") : "")}{(isAccumulateGiven ? FormattableString.Invariant($", --accumulate {usual.Accumulate}") : "")}",
                "The effective batch is the batch times the accumulation: leave one of them out, or give one that goes with it.");
    }

    /// <summary>The range as it is written.</summary>
    public override string ToString() => Least == Most ? FormattableString.Invariant($"{Least}") : FormattableString.Invariant($"{Least}-{Most}");

    private List<long> EffectiveBatches(long usual)
    {
        var all = new SortedSet<long> { Least, Most };
        for (long effective = Least; effective < Most; effective *= 2)
        {
            all.Add(effective);
        }

        if (usual > Least && usual < Most)
        {
            all.Add(usual);
        }

        return [.. all];
    }

    // All ways to cut an update into steps.
    private static IEnumerable<TrainingBatch> Divisions(long effective, TrainingBatch usual) => effective > MostEffective
        ? effective == usual.Effective ? [usual] : []
        : Enumerable.Range(1, (int)effective).Where(size => effective % size == 0).Select(size => new TrainingBatch(size, (int)(effective / size)));

    // The one nearest to the usual, and from there up and down what is far enough from the last.
    private static IEnumerable<TrainingBatch> Thin(TrainingBatch[] descending, TrainingBatch usual)
    {
        TrainingBatch nearest = descending.MinBy(batch => Distance(batch.Size, usual.Size))!;
        yield return nearest;
        foreach (IEnumerable<TrainingBatch> side in (IEnumerable<TrainingBatch>[])[descending.Reverse().Where(batch => batch.Size > nearest.Size), descending.Where(batch => batch.Size < nearest.Size)])
        {
            int last = nearest.Size;
            foreach (TrainingBatch batch in side.Where(batch => Ratio(batch.Size, last) >= LeastRatio))
            {
                yield return batch;
                last = batch.Size;
            }
        }
    }

    private static double Ratio(long one, long other) => (double)Math.Max(one, other) / Math.Min(one, other);

    private static double Distance(long one, long other) => Math.Log2(Ratio(one, other));

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is >= 1 and <= MostEffective ? number : null;
}
