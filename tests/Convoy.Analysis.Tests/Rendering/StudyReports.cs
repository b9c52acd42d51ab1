using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Tests.Planted;

namespace Convoy.Analysis.Tests.Rendering;

/// <summary>Reports of which the contents are known.</summary>
internal static class StudyReports
{
    /// <summary>The study's table of GPUs: times only.</summary>
    public static Report Gpus() => ReportBuilder.Build(
        RunSet.From([.. new[] { (1, 403.41), (2, 253.93), (3, 174.35), (4, 168.99) }.Select(Times.Run)]),
        new ReportOptions { Predict = [8, 16], PricePerProcessHour = 0.9 });

    /// <summary>A made-up machine with phases, intervals, steps, two precisions and a wealth of causes.</summary>
    public static Report Machine()
    {
        var machine = new PlantedMachine { SerialSeconds = 0.5, DataSeconds = 0.3, Contention = 0.05, StragglerExcess = 0.2, RecordsUsage = true };
        RunSet fp32 = machine.Measure(1, 1, 2, 4), bf16 = (machine with { ComputeSeconds = 4 }).Measure(2, 1, 2, 4);
        return ReportBuilder.Build(
            RunSet.From([.. fp32.Runs.Select(WithSteps), .. bf16.Runs.Select(r => WithSteps(r with { Configuration = r.Configuration with { Precision = "bf16" } }))]),
            new ReportOptions { Predict = [8] });
    }

    public static Run WithSteps(Run run) =>
        run with { Steps = [.. run.Samples.Select((s, i) => new RunStep(i + 1, s, 1.0 / (i + 1), i < run.WarmUpSteps))] };
}
