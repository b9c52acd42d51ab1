using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Scaling;

/// <summary>
/// What a step is made of, each part fitted on its own measured phase: computation C / N x (1 + gamma (N - 1)), where
/// gamma is what processes take from each other's memory bandwidth and cache; the all-reduce 2 (N - 1) alpha +
/// 2 (N - 1) / N x bytes x beta (a ring: Patarasuk and Yuan, 2009, on Hockney's alpha and beta); waiting for the slowest
/// rank, which has a share of the computation; and the rest, a part that shrinks with N and one that does not.
/// </summary>
/// <remarks>Needs recorded phases: from total times alone contention, bandwidth and serial parts cannot be told apart.</remarks>
/// <param name="gradientBytes">Bytes that every process gives to the average of one step; null when not known.</param>
public sealed class CommunicationModel(double? gradientBytes) : ScalingModel
{
    /// <inheritdoc/>
    public override string Name => "communication";

    /// <inheritdoc/>
    public override int LeastPoints => 2;

    /// <inheritdoc/>
    public override FittedModel? Fit(IReadOnlyList<ScalingPoint> points)
    {
        if (points.Count < LeastPoints || points.Any(p => p.Measurement.Phases is null || p.WorkSeconds != p.Measurement.Seconds))
        {
            return null;
        }

        double[] compute = Part(m => m.TypicalComputeSeconds!.Value, ComputeTerms);
        double[] exchange = Part(m => m.Phases!.Comm, ExchangeTerms);
        double[] wait = Part(SlowestRank, WaitTerms);
        double[] rest = Part(m => m.Phases!.Data + m.Phases.Optimizer + m.Phases.Other, RestTerms);
        if (compute[0] <= 0)
        {
            return null;
        }

        var parameters = new Dictionary<string, double>
        {
            [CommunicationParameters.ComputeSeconds] = compute[0],
            [CommunicationParameters.Contention] = compute[1] / compute[0],
            [CommunicationParameters.LatencySeconds] = exchange[0],
            [CommunicationParameters.TransferSeconds] = exchange[1],
            ["wait_seconds"] = wait[0],
            ["wait_share_seconds"] = wait[1],
            ["divided_rest_seconds"] = rest[0],
            ["serial_seconds"] = rest[1],
        };
        if (gradientBytes is > 0 && exchange[1] > 0)
        {
            parameters[CommunicationParameters.BytesPerSecond] = gradientBytes.Value / exchange[1];
        }

        return new FittedModel(this, parameters, Seconds, TotalTerms, points);

        double Seconds(double n) =>
            LinearTerms.Sum(compute, ComputeTerms(n)) + LinearTerms.Sum(exchange, ExchangeTerms(n)) + LinearTerms.Sum(wait, WaitTerms(n)) + LinearTerms.Sum(rest, RestTerms(n));

        // An error of a part counts by what it does to the whole.
        double[] Part(Func<ConfigurationMeasurement, double> part, Func<double, double[]> terms) => LinearTerms.Fit(
            [.. points.Select(p => (double)p.Processes)], [.. points.Select(p => part(p.Measurement))], terms, [.. points.Select(p => p.WorkSeconds)]);
    }

    /// <summary>The terms of the exchange: for alpha, and for the time in which a process's gradients pass once.</summary>
    internal static double[] ExchangeTerms(double n) => [2 * (n - 1), 2 * (n - 1) / n];

    // What a usual rank waits: for the slowest rank, whose longer computation the mean over ranks has in part.
    private static double SlowestRank(ConfigurationMeasurement measured) =>
        Math.Max(0, measured.Phases!.Wait + measured.Phases.Compute - measured.TypicalComputeSeconds!.Value);

    private static double[] ComputeTerms(double n) => [1 / n, (n - 1) / n];

    private static double[] WaitTerms(double n) => n > 1 ? [1, 1 / n] : [0, 0];

    private static double[] RestTerms(double n) => [1 / n, 1];

    // All parts' terms are sums of these three, so that the total is as uncertain as they leave it.
    private static double[] TotalTerms(double n) => [1 / n, 1, n - 1];
}

/// <summary>The names of the communication model's parameters.</summary>
internal static class CommunicationParameters
{
    /// <summary>Computation of one step in one process, seconds.</summary>
    public const string ComputeSeconds = "compute_seconds";

    /// <summary>How much longer a process computes for each process beside it, as a share.</summary>
    public const string Contention = "contention_per_process";

    /// <summary>Alpha: seconds of one message, whatever its size.</summary>
    public const string LatencySeconds = "latency_seconds";

    /// <summary>Bytes x beta: seconds in which one process's gradients pass once.</summary>
    public const string TransferSeconds = "transfer_seconds";

    /// <summary>1 / beta.</summary>
    public const string BytesPerSecond = "bytes_per_second";
}
