namespace Convoy.Analysis.Scaling;

/// <summary>
/// Amdahl's law (1967): T(N) = T(1) (s + (1 - s) / N). A share s of the work does not become faster with more processes.
/// </summary>
public sealed class AmdahlModel : ScalingModel
{
    /// <inheritdoc/>
    public override string Name => "amdahl";

    /// <inheritdoc/>
    public override int LeastPoints => 2;

    /// <inheritdoc/>
    public override FittedModel? Fit(IReadOnlyList<ScalingPoint> points)
    {
        if (points.Count < LeastPoints)
        {
            return null;
        }

        double[] c = LinearTerms.Fit([.. points.Select(p => (double)p.Processes)], [.. points.Select(p => p.WorkSeconds)], Terms);
        var parameters = new Dictionary<string, double> { ["single_process_seconds"] = c[0] + c[1], ["serial_fraction"] = c[1] / (c[0] + c[1]) };
        return new FittedModel(this, parameters, n => LinearTerms.Sum(c, Terms(n)), Terms, points);
    }

    private static double[] Terms(double n) => [1 / n, 1];
}
