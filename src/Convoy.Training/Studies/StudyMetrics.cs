using Convoy.Metrics;

namespace Convoy.Training.Studies;

/// <summary>The metrics file of each configuration at the top of the study directory.</summary>
internal static class StudyMetrics
{
    /// <summary>Writes the file of <paramref name="configuration"/>: the run whose mean step is the middle one of its runs.</summary>
    public static void Write(StudyDirectory study, StudyPlan plan, StudyConfiguration configuration)
    {
        RunMetrics[] runs =
        [
            .. plan.Runs.Where(run => run.Configuration == configuration && study.Has(run))
                .Select(run => MetricsFile.Read(study.Run(run).Metrics))
                .OrderBy(MeanStep),
        ];
        MetricsFile.Write(study.MetricsFile(configuration, plan), runs[(runs.Length - 1) / 2]);
    }

    private static double MeanStep(RunMetrics run) => run.Metrics.Skip(run.WarmupSteps ?? 0).Average(step => step.StepTime ?? 0);
}
