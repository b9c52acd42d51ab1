using Convoy.Analysis.Bottlenecks;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;
using Convoy.Analysis.Tests.Planted;
using Convoy.Metrics;

namespace Convoy.Analysis.Tests.Conclusions;

/// <summary>What conclusions advise: by the options of the program that ran, where the runs recorded them.</summary>
public sealed class AdviceTests
{
    [Fact]
    public void Advice_OfRunsThatRecordedTheirOptions_NamesThem()
    {
        SettingRecord[] settings =
        [
            new() { Name = SettingNames.Workers, Option = "--workers", Label = "loader workers" },
            new() { Name = SettingNames.Cache, Option = "--cache", Label = "a cache of decoded frames" },
            new() { Name = SettingNames.Accumulate, Option = "--accumulate" },
            new() { Name = SettingNames.SyncBatchNorm, Option = "--sync-bn", OffOption = "--no-sync-bn" },
        ];

        Assert.Equal("Use more loader workers or a cache of decoded frames (--workers, --cache).", Advice(new PlantedMachine { DataSeconds = 2 }, settings));
        Assert.Equal("Exchange less often (--accumulate, larger buckets) or use fewer processes.", Advice(new PlantedMachine { LatencySeconds = 0.05 }, settings));
        Assert.Equal("Exchange fewer bytes (compressed gradients, --accumulate) or use a faster link.", Advice(new PlantedMachine { TransferSeconds = 0.4 }, settings));
        Assert.Equal("Compare with --no-sync-bn, or use fewer processes with larger batches.", Advice(new PlantedMachine { BatchNormSeconds = 0.3 }, settings));
    }

    [Fact]
    public void Advice_OfRunsThatRecordedNone_IsInWords()
    {
        Assert.Equal("Use more loader workers or a cache of decoded samples.", Advice(new PlantedMachine { DataSeconds = 2 }));
        Assert.Equal("Exchange less often (several steps for each update, larger buckets) or use fewer processes.", Advice(new PlantedMachine { LatencySeconds = 0.05 }));
        Assert.Equal("Exchange fewer bytes (compressed gradients, several steps for each update) or use a faster link.", Advice(new PlantedMachine { TransferSeconds = 0.4 }));
        Assert.Equal("Compare with statistics over each process's own samples, or use fewer processes with larger batches.", Advice(new PlantedMachine { BatchNormSeconds = 0.3 }));
    }

    [Fact]
    public void Words_OfAConclusion_SpeakOfTheRunsSamples()
    {
        Conclusion conclusion = MainCause(new PlantedMachine { Contention = 0.1 }, run => run with { SampleNoun = "sentence" });

        Assert.StartsWith("Each process takes longer for the same number of sentences", conclusion.Explanation, StringComparison.Ordinal);
        Assert.Contains(conclusion.Evidence, e => (e.Name, e.ValueText) == ("batch of one process", "8 sentences"));
    }

    private static string Advice(PlantedMachine machine, params SettingRecord[] settings) =>
        MainCause(machine, run => run with { SampleNoun = "sample", Launch = settings.Length > 0 ? new LaunchRecord { Command = ["x"], Settings = settings } : null }).Advice;

    private static Conclusion MainCause(PlantedMachine machine, Func<Run, Run> change) =>
        ReportBuilder.Build(RunSet.From([.. machine.Measure(1, 1, 2, 4, 8).Runs.Select(change)]), new ReportOptions()).Conclusions[0];
}
