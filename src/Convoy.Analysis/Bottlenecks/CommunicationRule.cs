using Convoy.Analysis.Scaling;
using Convoy.Metrics;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>The exchange of gradients that computation does not hide; the fitted model says whether messages or bytes take longer.</summary>
internal sealed class CommunicationRule : IBottleneckRule
{
    /// <summary>The number of messages.</summary>
    public const string Latency = "communication_latency";

    /// <summary>The amount of bytes.</summary>
    public const string Bandwidth = "communication_bandwidth";

    /// <summary>Latency and bandwidth cannot be told apart.</summary>
    public const string Either = "communication";

    // One of the two has to take this share of the modelled exchange to be named.
    private const double Clear = 0.6;

    public IEnumerable<Conclusion> Examine(ScalingCase scaling)
    {
        if (scaling.Measured.Phases is not { } phases || scaling.Measured.Configuration.Processes == 1)
        {
            return [];
        }

        var measured = new Evidence("exchange not hidden by computation", phases.Comm, "s");
        if (scaling.Models.Assessments.FirstOrDefault(a => a.Fit.Model is CommunicationModel)?.Fit is not { } fit || scaling.Series.Points.Count(p => p.Processes > 1) < 2)
        {
            return [Conclude(scaling, Either, phases.Comm, measured)];
        }

        double[] terms = CommunicationModel.ExchangeTerms(scaling.Examined.Processes);
        double latency = terms[0] * fit.Parameters[CommunicationParameters.LatencySeconds];
        double bandwidth = terms[1] * fit.Parameters[CommunicationParameters.TransferSeconds];
        double share = latency + bandwidth > 0 ? latency / (latency + bandwidth) : 0.5;
        string kind = share >= Clear ? Latency : share <= 1 - Clear ? Bandwidth : Either;
        return [Conclude(scaling, kind, phases.Comm, measured, new Evidence("of it latency, by the model", latency, "s"), new Evidence("of it bytes, by the model", bandwidth, "s"))];
    }

    private static Conclusion Conclude(ScalingCase scaling, string kind, double lostSeconds, params IReadOnlyList<Evidence> evidence)
    {
        string accumulate = scaling.Setting(SettingNames.Accumulate)?.Option ?? "several steps for each update";
        (string title, string seen, string advice) = kind switch
        {
            Latency => (
                "Communication: latency",
                "The time of each message, rather than its size, makes the exchange of gradients long.",
                $"Exchange less often ({accumulate}, larger buckets) or use fewer processes."),
            Bandwidth => (
                "Communication: bandwidth",
                "The amount of gradients, rather than the number of messages, makes their exchange long.",
                $"Exchange fewer bytes (compressed gradients, {accumulate}) or use a faster link."),
            _ => (
                "Communication",
                "The exchange of gradients is not hidden behind the backward pass.",
                "Exchange less often or fewer bytes; measure more numbers of processes to tell latency from bandwidth."),
        };
        return scaling.Conclude(kind, title, seen, advice, lostSeconds, Thresholds.MeasuredShare, evidence);
    }
}
