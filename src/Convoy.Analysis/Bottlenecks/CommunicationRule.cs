using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>The exchange of gradients that computation does not hide; the fitted model says whether messages or bytes take longer.</summary>
internal sealed class CommunicationRule : IBottleneckRule
{
    // One of the two has to take this share of the modelled exchange to be named.
    private const double Clear = 0.6;

    public IEnumerable<Bottleneck> Examine(ScalingCase of)
    {
        if (of.Measured.Phases is not { } phases || of.Measured.Configuration.Processes == 1)
        {
            yield break;
        }

        var measured = new Evidence("exchange not hidden by computation", phases.Comm, "s");
        if (of.Models.Assessments.FirstOrDefault(a => a.Fit.Model is CommunicationModel)?.Fit is not { } fit || of.Series.Points.Count(p => p.Processes > 1) < 2)
        {
            yield return of.Found(BottleneckKind.Communication, phases.Comm, Thresholds.MeasuredShare, measured);
            yield break;
        }

        double[] terms = CommunicationModel.ExchangeTerms(of.Examined.Processes);
        double latency = terms[0] * fit.Parameters[CommunicationParameters.LatencySeconds];
        double bandwidth = terms[1] * fit.Parameters[CommunicationParameters.TransferSeconds];
        double share = latency + bandwidth > 0 ? latency / (latency + bandwidth) : 0.5;
        BottleneckKind kind = share >= Clear ? BottleneckKind.CommunicationLatency
            : share <= 1 - Clear ? BottleneckKind.CommunicationBandwidth
            : BottleneckKind.Communication;
        yield return of.Found(kind, phases.Comm, Thresholds.MeasuredShare, measured, new Evidence("of it latency, by the model", latency, "s"), new Evidence("of it bytes, by the model", bandwidth, "s"));
    }
}
