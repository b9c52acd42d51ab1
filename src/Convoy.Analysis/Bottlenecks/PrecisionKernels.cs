using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>
/// A precision that gains far less than the machine offers: its matrix products are much faster in it, and training is not. Then
/// the kernels do not use what is there; a machine that offers nothing has no such conclusion.
/// </summary>
public static class PrecisionKernels
{
    /// <summary>The kind of the conclusions.</summary>
    public const string Kind = "precision_kernels";

    // The machine has to offer something, and training to gain less than this share of what is offered.
    private const double LeastOffer = 1.5, LeastShareOfOffer = 0.25;

    // A network whose other precision reaches less of its own peak than this is not limited by arithmetic, whatever the kernels.
    private const double LeastShareOfPeak = 0.1;

    // Times of which others had the core for more than this share say nothing of kernels.
    private const double MostQueued = 0.2;

    /// <summary>How much faster the machine multiplies matrices in a precision than in the one it is compared with, with as many processes and threads; null when not measured.</summary>
    /// <param name="runs">What was measured.</param>
    /// <param name="gain">The comparison.</param>
    public static double? Offer(RunSet runs, PrecisionGain gain)
    {
        ArgumentNullException.ThrowIfNull(runs);
        ArgumentNullException.ThrowIfNull(gain);
        (ConfigurationMeasurement faster, ConfigurationMeasurement against) = Find(runs, gain);
        return AttainedSpeed.Peak(faster.Host, faster.Configuration) / AttainedSpeed.Peak(against.Host, against.Configuration);
    }

    /// <summary>The conclusions about all comparisons of precisions.</summary>
    /// <param name="runs">What was measured.</param>
    /// <param name="gains">The comparisons.</param>
    public static IReadOnlyList<Conclusion> Examine(RunSet runs, IReadOnlyList<PrecisionGain> gains)
    {
        ArgumentNullException.ThrowIfNull(gains);
        return [.. gains.Select(gain => Examine(runs, gain)).OfType<Conclusion>()];
    }

    private static Conclusion? Examine(RunSet runs, PrecisionGain gain)
    {
        (ConfigurationMeasurement measured, ConfigurationMeasurement against) = Find(runs, gain);
        if (Offer(runs, gain) is not (>= LeastOffer and { } offer) || against.Attained?.ShareOfPeak < LeastShareOfPeak || measured.QueueShare > MostQueued || against.QueueShare > MostQueued)
        {
            return null;
        }

        // The passes where they were timed: data, exchange and optimizer are the same in all precisions.
        (double now, double before) = measured.TypicalComputeSeconds is { } compute && against.TypicalComputeSeconds is { } other ? (compute, other) : (measured.Seconds, against.Seconds);
        double reached = before / now;
        if (reached - 1 >= (offer - 1) * LeastShareOfOffer)
        {
            return null;
        }

        double lost = now - (before / offer);
        string change = reached >= 1 ? Wording.Text($"{reached:0.00} times as fast in {gain.Precision} as in {gain.Against}") : Wording.Text($"{1 / reached:0.00} times slower in {gain.Precision} than in {gain.Against}");
        string doubt = against.Attained is null ? " The runs do not record their arithmetic: work that is no matrix product would look the same." : "";
        return new Conclusion(
            Kind,
            measured.Configuration,
            $"Kernels do not use the processor's {gain.Precision}",
            Wording.Text($"This machine multiplies matrices {offer:0.0} times as fast in {gain.Precision} as in {gain.Against}, and the network gains far less: that is the kernels' doing, not the machine's.{doubt}"),
            Wording.Text($"The passes of {measured.Configuration} are {change}; at the machine's ratio they would take {Wording.Seconds(lost)} less."),
            $"Look which layers compute slowly in {gain.Precision} (a profile of the layers tells), try another memory format or other kernels; until then {(reached >= 1 ? "expect little of it" : $"stay with {gain.Against}")}.",
            lost,
            lost / measured.Seconds,
            0,
            [
                new Evidence($"matrix products, {gain.Precision} against {gain.Against}", offer, "times as fast"),
                new Evidence($"the network's passes, {gain.Precision} against {gain.Against}", reached, "times as fast"),
                .. Share(measured),
                .. Share(against),
            ]);
    }

    private static (ConfigurationMeasurement Measured, ConfigurationMeasurement Against) Find(RunSet runs, PrecisionGain gain) =>
        (At(runs, gain, gain.Precision), At(runs, gain, gain.Against));

    private static ConfigurationMeasurement At(RunSet runs, PrecisionGain gain, string precision) =>
        runs.Measurements.First(m => m.Configuration == new Configuration(gain.Processes, gain.Threads, precision));

    private static IEnumerable<Evidence> Share(ConfigurationMeasurement measured)
    {
        if (measured.Attained?.ShareOfPeak is { } share)
        {
            yield return new Evidence($"share of the peak in {measured.Configuration.Precision}", share, "share");
        }
    }
}
