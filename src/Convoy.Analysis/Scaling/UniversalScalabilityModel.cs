namespace Convoy.Analysis.Scaling;

/// <summary>
/// The Universal Scalability Law (Gunther, 1993): T(N) = T(1) (1 + sigma (N - 1) + kappa N (N - 1)) / N. Sigma is the
/// share that is serial or contended for; kappa is what every pair of processes costs, which makes times rise again.
/// </summary>
public sealed class UniversalScalabilityModel : ScalingModel
{
    /// <inheritdoc/>
    public override string Name => "usl";

    /// <inheritdoc/>
    public override int LeastPoints => 3;

    /// <inheritdoc/>
    public override FittedModel? Fit(IReadOnlyList<ScalingPoint> points)
    {
        if (points.Count < LeastPoints)
        {
            return null;
        }

        // T(1) (1 - sigma) / N + T(1) sigma + T(1) kappa (N - 1): sigma is between 0 and 1, and kappa at least 0, when no coefficient is negative.
        double[] c = LinearTerms.Fit([.. points.Select(p => (double)p.Processes)], [.. points.Select(p => p.WorkSeconds)], Terms);
        double single = c[0] + c[1];
        if (single <= 0)
        {
            return null;
        }

        var parameters = new Dictionary<string, double> { ["single_process_seconds"] = single, ["sigma"] = c[1] / single, ["kappa"] = c[2] / single };
        return new FittedModel(this, parameters, n => LinearTerms.Sum(c, Terms(n)), Terms, points);
    }

    private static double[] Terms(double n) => [1 / n, 1, n - 1];
}
