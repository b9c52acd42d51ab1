using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Convoy.Distributed;
using static TorchSharp.torch;

namespace Convoy.Training.Tasks;

/// <summary>
/// Metrics over all ranks, of an evaluation or of an epoch's training: sums and counts that every rank collects over its share of the data. Their quotients over all ranks are the means over
/// all data, however many ranks there are and however the data is shared out. It is torchmetrics' <c>MeanMetric</c> and <c>SumMetric</c> for several names, and what Lightning's <c>log(..., sync_dist=True)</c> does when the ranks' batches are equal.
/// </summary>
public sealed class MetricTotals
{
    private readonly Dictionary<string, (double Sum, double Weight)> _totals = new(StringComparer.Ordinal);

    /// <summary>Adds to a metric.</summary>
    /// <param name="name">Its name, such as <c>accuracy</c>; every rank names the same metrics in the same order.</param>
    /// <param name="sum">The sum of its values.</param>
    /// <param name="weight">How many values that were; at least 0. Default 1.</param>
    public void Add(string name, double sum, double weight = 1)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfNegative(weight);
        (double before, double count) = _totals.GetValueOrDefault(name);
        _totals[name] = (before + sum, count + weight);
    }

    /// <summary>Adds a mean to a metric, as <c>MeanMetric.update(mean, weight)</c>: a batch's loss and its samples.</summary>
    /// <param name="name">Its name; every rank names the same metrics in the same order.</param>
    /// <param name="mean">The mean of some values.</param>
    /// <param name="weight">How many values that were; at least 0.</param>
    public void AddMean(string name, double mean, double weight) => Add(name, weight == 0 ? 0 : mean * weight, weight);

    /// <summary>Forgets everything, names as well: before the next epoch.</summary>
    public void Reset() => _totals.Clear();

    /// <summary>The means over all ranks, which call it together. A metric without values is not a number.</summary>
    /// <exception cref="InvalidOperationException">This rank named other metrics than others did.</exception>
    /// <exception cref="DistributedException">Ranks named more metrics than others, or one failed.</exception>
    public IReadOnlyDictionary<string, double> Means(ProcessGroup group) => Combine(group, (sum, weight) => sum / weight);

    /// <summary>The sums over all ranks, which call it together.</summary>
    /// <exception cref="InvalidOperationException">This rank named other metrics than others did.</exception>
    /// <exception cref="DistributedException">Ranks named more metrics than others, or one failed.</exception>
    public IReadOnlyDictionary<string, double> Sums(ProcessGroup group) => Combine(group, (sum, _) => sum);

    private Dictionary<string, double> Combine(ProcessGroup group, Func<double, double, double> combine)
    {
        ArgumentNullException.ThrowIfNull(group);
        string[] names = [.. _totals.Keys];
        double fingerprint = Fingerprint(names);
        using Tensor totals = tensor([.. names.SelectMany(name => (double[])[_totals[name].Sum, _totals[name].Weight]), fingerprint], ScalarType.Float64);
        group.AllReduce(totals, ReduceOp.Sum);
        double[] values = totals.data<double>().ToArray();

        // Whole numbers below 2^53: where all are equal the sum is exact, and where they are not some rank is off it.
        return values[^1] == group.Size * fingerprint
            ? names.Select((name, i) => (name, Value: combine(values[2 * i], values[(2 * i) + 1]))).ToDictionary(metric => metric.name, metric => metric.Value, StringComparer.Ordinal)
            : throw new InvalidOperationException($"the ranks collected different metrics, or in another order (rank {group.Rank}: {string.Join(", ", names)}). Add the same names in the same order on all ranks, with the weight 0 where a rank has no values.");
    }

    private static double Fingerprint(string[] names) =>
        BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', names))));
}

/// <summary>By which metric a model is better than another.</summary>
/// <param name="Name">The metric, as <see cref="MetricTotals.Add"/> names it.</param>
/// <param name="HigherIsBetter">Whether more of it is better. Default true.</param>
public sealed record MetricGoal(string Name, bool HigherIsBetter = true)
{
    /// <summary>Whether <paramref name="value"/> is better than <paramref name="other"/>; what is not a number is never.</summary>
    public bool IsBetter(double value, double other) => !double.IsNaN(value) && (double.IsNaN(other) || (HigherIsBetter ? value > other : value < other));
}
