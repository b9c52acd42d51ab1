using Convoy.Distributed;
using static TorchSharp.torch;

namespace Convoy.Training.Tasks;

/// <summary>
/// The metrics of an evaluation: sums and counts that every rank collects over its share of the data. Their quotients over all ranks are the means over all data,
/// however many ranks there are.
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

    /// <summary>The means over all ranks, which call it together. A metric without values is not a number.</summary>
    public IReadOnlyDictionary<string, double> Means(ProcessGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        string[] names = [.. _totals.Keys];
        if (names.Length == 0)
        {
            return new Dictionary<string, double>();
        }

        using Tensor totals = tensor([.. names.SelectMany(name => (double[])[_totals[name].Sum, _totals[name].Weight])], ScalarType.Float64);
        group.AllReduce(totals, ReduceOp.Sum);
        double[] values = totals.data<double>().ToArray();
        return names.Select((name, i) => (name, Mean: values[2 * i] / values[(2 * i) + 1])).ToDictionary(metric => metric.name, metric => metric.Mean, StringComparer.Ordinal);
    }
}

/// <summary>By which metric a model is better than another.</summary>
/// <param name="Name">The metric, as <see cref="MetricTotals.Add"/> names it.</param>
/// <param name="HigherIsBetter">Whether more of it is better. Default true.</param>
public sealed record MetricGoal(string Name, bool HigherIsBetter = true)
{
    /// <summary>Whether <paramref name="value"/> is better than <paramref name="other"/>; what is not a number is never.</summary>
    public bool IsBetter(double value, double other) => !double.IsNaN(value) && (double.IsNaN(other) || (HigherIsBetter ? value > other : value < other));
}
