using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Conclusions;

/// <summary>What each configuration costs.</summary>
/// <param name="Unit">What is paid for, such as <c>epoch</c>.</param>
/// <param name="PricePerProcessHour">The price of one process for one hour.</param>
/// <param name="Costs">One for each configuration, in the order of the measurements.</param>
public sealed record CostEstimate(string Unit, double PricePerProcessHour, IReadOnlyList<Cost> Costs)
{
    private const int FallbackSamples = 1000;

    /// <summary>Prices every configuration.</summary>
    /// <param name="runs">What was measured.</param>
    /// <param name="pricePerProcessHour">The price of one process for one hour; 0 or more.</param>
    /// <param name="epochSamples">Samples of an epoch, where steps were timed; null when not known.</param>
    /// <returns>The costs of an epoch, or of 1000 samples where its length is not known; null where steps were timed without their batch size, or only speed-ups are known.</returns>
    public static CostEstimate? From(RunSet runs, double pricePerProcessHour, int? epochSamples)
    {
        ArgumentNullException.ThrowIfNull(runs);
        if (runs.Basis == TimeBasis.Run)
        {
            return new CostEstimate("run as timed", pricePerProcessHour, [.. runs.Measurements.Select(m => Price(m, m.Seconds))]);
        }

        return runs.Measurements.Any(m => m.SamplesPerSecond is null)
            ? null
            : new CostEstimate(
                epochSamples is null ? $"{FallbackSamples} {runs.SampleNoun}s" : "epoch",
                pricePerProcessHour,
                [.. runs.Measurements.Select(m => Price(m, (epochSamples ?? FallbackSamples) / m.SamplesPerSecond!.Value))]);

        Cost Price(ConfigurationMeasurement measured, double seconds) =>
            new(measured.Configuration, measured.Configuration.Processes * seconds / 3600 * pricePerProcessHour, seconds);
    }
}

/// <summary>What training costs in a configuration.</summary>
/// <param name="Configuration">The configuration.</param>
/// <param name="Price">Processes x hours x price per process-hour, in the price's currency.</param>
/// <param name="Seconds">The time that is paid for.</param>
public sealed record Cost(Configuration Configuration, double Price, double Seconds);
