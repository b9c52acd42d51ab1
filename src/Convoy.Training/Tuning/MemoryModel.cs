namespace Convoy.Training.Tuning;

/// <summary>
/// What a process needs at its peak by the samples of its batch, from batches that were measured: a fixed part (weights, gradients, optimizer, libraries) and a part that
/// grows with the batch (activations), fitted by least squares.
/// </summary>
/// <param name="idleBytes">What the process holds before it has a model, which no batch can be below; 0 when it is not known.</param>
internal sealed class MemoryModel(long idleBytes = 0)
{
    // What lies beyond the largest batch that was measured is held to be this much dearer than the fit says: convolutions choose other kernels for other batches.
    private const double Caution = 0.1;

    private readonly SortedDictionary<int, long> _peaks = [];

    /// <summary>The batches that were measured, ascending.</summary>
    public IReadOnlyCollection<int> BatchSizes => _peaks.Keys;

    /// <summary>The largest batch that was measured; 0 when none was.</summary>
    public int Largest => _peaks.Count == 0 ? 0 : _peaks.Keys.Last();

    /// <summary>A batch was measured. Of several peaks of the same batch the highest counts.</summary>
    public void Add(int batchSize, long peakBytes) => _peaks[batchSize] = Math.Max(peakBytes, _peaks.GetValueOrDefault(batchSize));

    /// <summary>What a batch needs at most, in bytes, as far as can be told; null when nothing was measured.</summary>
    public double? AtMost(int batchSize)
    {
        if (_peaks.Count == 0)
        {
            return null;
        }

        long[] larger = [.. _peaks.Where(peak => peak.Key >= batchSize).Select(peak => peak.Value)];
        if (larger.Length > 0)
        {
            return larger.Min();
        }

        // Were nothing fixed but what the process held before: nothing can grow faster than that.
        long last = _peaks[Largest];
        double proportional = idleBytes + (Math.Max(0, last - idleBytes) * ((double)batchSize / Largest));
        if (Fit() is not { } fit)
        {
            return proportional;
        }

        double growth = fit.Slope * (batchSize - Largest) * (1 + Caution);
        return Math.Min(proportional, Math.Max(last, fit.Intercept + (fit.Slope * Largest)) + growth + fit.LargestResidual);
    }

    /// <summary>What a batch needs by the fit, in bytes; null with fewer than two batches.</summary>
    public double? Estimate(int batchSize) => Fit() is { } fit ? fit.Intercept + (fit.Slope * batchSize) : null;

    /// <summary>The largest batch up to <paramref name="most"/> that needs <paramref name="limitBytes"/> at most; 0 when none does, or nothing was measured.</summary>
    public int LargestWithin(double limitBytes, int most)
    {
        (int fits, int fails) = (0, most + 1);
        while (fails - fits > 1)
        {
            int middle = fits + ((fails - fits) / 2);
            (fits, fails) = AtMost(middle) <= limitBytes ? (middle, fails) : (fits, middle);
        }

        return fits;
    }

    private Line? Fit()
    {
        if (_peaks.Count < 2)
        {
            return null;
        }

        double meanBatch = _peaks.Keys.Average(), meanPeak = _peaks.Values.Average();
        double slope = Math.Max(0, _peaks.Sum(p => (p.Key - meanBatch) * (p.Value - meanPeak)) / _peaks.Sum(p => Math.Pow(p.Key - meanBatch, 2)));
        double intercept = meanPeak - (slope * meanBatch);
        return new Line(intercept, slope, _peaks.Max(p => Math.Abs(p.Value - intercept - (slope * p.Key))));
    }

    private readonly record struct Line(double Intercept, double Slope, double LargestResidual);
}
