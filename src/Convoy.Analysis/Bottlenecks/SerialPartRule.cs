using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>
/// Work that does not shrink: from the phases the optimizer and what no phase covers; without phases the constant and the
/// growing term of the Universal Scalability Law, or Amdahl's law where there are too few points.
/// </summary>
internal sealed class SerialPartRule : IBottleneckRule
{
    /// <summary>Work that every process repeats, or that only one can do.</summary>
    public const string SerialPart = "serial_part";

    /// <summary>Costs that grow with every process, known from total times only.</summary>
    public const string GrowingCost = "growing_cost";

    private const string Title = "A serial part";

    public IEnumerable<Conclusion> Examine(ScalingCase scaling)
    {
        if (scaling.IsBaseline)
        {
            return [];
        }

        return scaling.Measured.Phases is not null && scaling.Baseline.Phases is not null ? FromPhases(scaling) : FromModel(scaling);
    }

    private static IEnumerable<Conclusion> FromPhases(ScalingCase scaling)
    {
        double now = scaling.Measured.Phases!.Optimizer + scaling.Measured.Phases.Other;
        double ideal = scaling.Ideal(scaling.Baseline.Phases!.Optimizer + scaling.Baseline.Phases.Other);
        yield return scaling.Conclude(
            SerialPart,
            Title,
            "A part of the work does not become faster with more processes.",
            "Make that part smaller: optimizer, logging, checkpoints and whatever every process repeats.",
            Math.Max(0, now - ideal),
            Thresholds.MeasuredShare,
            new Evidence("optimizer", scaling.Measured.Phases.Optimizer, "s"),
            new Evidence("in no phase", scaling.Measured.Phases.Other, "s"),
            new Evidence("their share of the baseline", ideal, "s"));
    }

    private static IEnumerable<Conclusion> FromModel(ScalingCase scaling)
    {
        // The model in use; with two points, where none can be tested, Amdahl's.
        FittedModel? fit = (scaling.Models.Best ?? scaling.Models.Assessments.FirstOrDefault(a => a.Fit.Model is AmdahlModel))?.Fit;
        if (fit is null || scaling.Measured.Seconds != scaling.Examined.WorkSeconds)
        {
            yield break;
        }

        double single = fit.Parameters["single_process_seconds"];
        double share = fit.Parameters.GetValueOrDefault("serial_fraction") + fit.Parameters.GetValueOrDefault("sigma");
        int n = scaling.Examined.Processes;
        yield return scaling.Conclude(
            SerialPart,
            Title,
            scaling.Measured.Runs[0].IsWholeProgram
                ? $"By the model, {Wording.Seconds(single * share)} of each run do not become faster with more processes, {Wording.Percent(share)} of what one process takes: starting the program, serial work, communication or contention, which total times cannot tell apart."
                : $"By the model, {Wording.Percent(share)} of the work does not become faster with more processes: serial work, communication or contention, which total times cannot tell apart.",
            scaling.Measured.Runs[0].IsWholeProgram ? "Let the program write its steps with their phases to see which it is." : "Record the phases of the steps to see which it is.",
            single * share * (1 - ((double)scaling.Series.Baseline.Processes / n)),
            Thresholds.InferredShare,
            new Evidence($"serial or contended share, by the model {fit.Model.Name}", share, "share"));
        if (fit.Parameters.TryGetValue("kappa", out double kappa))
        {
            yield return scaling.Conclude(
                GrowingCost,
                "A cost that grows with every process",
                "Each further process adds time: communication or contention, which total times cannot tell apart.",
                "Record the phases of the steps to see which, and use fewer processes.",
                single * kappa * (n - scaling.Series.Baseline.Processes),
                Thresholds.InferredShare,
                new Evidence("cost of each further process, by the model usl", single * kappa, "s"));
        }
    }
}
