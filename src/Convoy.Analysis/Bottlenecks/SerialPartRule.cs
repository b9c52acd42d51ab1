using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>
/// Work that does not shrink: from the phases the optimizer and what no phase covers; without phases the constant and the
/// growing term of the Universal Scalability Law, or Amdahl's law where there are too few points.
/// </summary>
internal sealed class SerialPartRule : IBottleneckRule
{
    public IEnumerable<Bottleneck> Examine(ScalingCase of)
    {
        if (of.IsBaseline)
        {
            return [];
        }

        return of.Measured.Phases is not null && of.Baseline.Phases is not null ? FromPhases(of) : FromModel(of);
    }

    private static IEnumerable<Bottleneck> FromPhases(ScalingCase of)
    {
        double now = of.Measured.Phases!.Optimizer + of.Measured.Phases.Other;
        double ideal = of.Ideal(of.Baseline.Phases!.Optimizer + of.Baseline.Phases.Other);
        yield return of.Found(
            BottleneckKind.SerialPart,
            Math.Max(0, now - ideal),
            Thresholds.MeasuredShare,
            new Evidence("optimizer", of.Measured.Phases.Optimizer, "s"),
            new Evidence("in no phase", of.Measured.Phases.Other, "s"),
            new Evidence("their share of the baseline", ideal, "s"));
    }

    private static IEnumerable<Bottleneck> FromModel(ScalingCase of)
    {
        // The model in use; with two points, where none can be tested, Amdahl's.
        FittedModel? fit = (of.Models.Best ?? of.Models.Assessments.FirstOrDefault(a => a.Fit.Model is AmdahlModel))?.Fit;
        if (fit is null || of.Measured.Seconds != of.Examined.WorkSeconds)
        {
            yield break;
        }

        double single = fit.Parameters["single_process_seconds"];
        double share = fit.Parameters.GetValueOrDefault("serial_fraction") + fit.Parameters.GetValueOrDefault("sigma");
        int n = of.Examined.Processes;
        yield return of.Found(
            BottleneckKind.SerialPart,
            single * share * (1 - ((double)of.Series.Baseline.Processes / n)),
            Thresholds.InferredShare,
            new Evidence($"serial or contended share, by the model {fit.Model.Name}", share, "share"));
        if (fit.Parameters.TryGetValue("kappa", out double kappa))
        {
            yield return of.Found(
                BottleneckKind.GrowingCost,
                single * kappa * (n - of.Series.Baseline.Processes),
                Thresholds.InferredShare,
                new Evidence("cost of each further process, by the model usl", single * kappa, "s"));
        }
    }
}
