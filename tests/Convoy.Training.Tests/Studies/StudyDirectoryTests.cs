using Convoy.Training.Studies;
using Convoy.Training.Options;
using System.Text.Json.Nodes;
using Convoy.Metrics;

namespace Convoy.Training.Tests.Studies;

public sealed class StudyDirectoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StudySettings _settings = new()
    {
        Processes = [1, 2],
        Threads = [1],
        Precisions = [Precision.Fp32],
        BatchSize = 8,
        Machine = "a machine",
        Cores = 2,
        Training = new RunConfiguration(new TrainingOptions { Nproc = 1, Threads = 1 }, new JsonObject { ["data"] = "data" }),
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void ReadSettings_OfAStudy_AreThoseWritten()
    {
        StudyDirectory study = Study();
        study.Create(_settings);

        Assert.Empty(_settings.Differences(study.ReadSettings()!));
    }

    [Fact]
    public void Differences_OfOtherSettings_NameEachWithBothValues() => Assert.Equal(
        ["processes is 1,2, not 1,2,4", "steps is 10, not not given", "batch_size is 8, not 16", "lr is 0.0005, not 0.1"],
        (_settings with { Steps = 10 }).Differences(_settings with { Processes = [1, 2, 4], BatchSize = 16, Training = _settings.Training! with { Training = _settings.Training!.Training with { Lr = 0.1 } } }));

    [Fact]
    public void ReadSettings_WithoutAStudy_IsNullInAnEmptyFolderAndARefusalInAnother()
    {
        StudyDirectory study = Study();
        Assert.Null(study.ReadSettings());

        Directory.CreateDirectory(study.Root);
        File.WriteAllText(Path.Combine(study.Root, "mine.txt"), "mine");

        Assert.Contains("not empty", Assert.Throws<BadInputException>(study.ReadSettings).Message);
    }

    [Fact]
    public void ReadSettings_CutOff_AreRefused()
    {
        StudyDirectory study = Study();
        study.Create(_settings);
        File.WriteAllText(study.Settings, File.ReadAllText(study.Settings)[..40]);

        Assert.Contains("the study's settings cannot be read", Assert.Throws<BadInputException>(study.ReadSettings).Message);
    }

    [Fact]
    public void ReadSettings_WithNullForAText_AreRefused()
    {
        StudyDirectory study = Study();
        study.Create(_settings);
        File.WriteAllText(study.Settings, File.ReadAllText(study.Settings).Replace("\"a machine\"", "null", StringComparison.Ordinal));

        Assert.Contains("the study's settings cannot be read", Assert.Throws<BadInputException>(study.ReadSettings).Message);
    }

    [Fact]
    public void Differences_OfANumberTooLargeForADouble_NameIt()
    {
        StudyDirectory study = Study();
        study.Create(_settings);
        File.WriteAllText(study.Settings, File.ReadAllText(study.Settings).Replace("\"lr\": 0.0005", "\"lr\": 1e309", StringComparison.Ordinal));

        Assert.Equal(["lr is 0.0005, not Infinity"], _settings.Differences(study.ReadSettings()!));
    }

    [Fact]
    public void Has_ARunThatWasOnlyBegun_IsFalseUntilItIsFinished()
    {
        StudyDirectory study = Study();
        study.Create(_settings);
        var run = new StudyRun(new StudyConfiguration(2, 1, Precision.Fp32), 1);

        MetricsFile.Write(study.Begin(run).Metrics, Metrics());
        Assert.False(study.Has(run));

        MetricsFile.Write(study.Begin(run).Metrics, Metrics());
        study.Finish(run, warmupSteps: 2);
        Assert.True(study.Has(run));
        Assert.Equal(2, MetricsFile.Read(study.Run(run).Metrics).WarmupSteps);
        Assert.False(Directory.Exists(study.Unfinished));
    }

    [Fact]
    public void Finish_WithPeaks_WritesThemIntoTheRunsHost()
    {
        StudyDirectory study = Study();
        study.Create(_settings);
        var run = new StudyRun(new StudyConfiguration(2, 1, Precision.Fp32), 1);
        MetricsFile.Write(study.Begin(run).Metrics, Metrics() with { Host = HostProbe.Read() });
        study.WritePeaks([new MatrixPeak("bf16", 2, 1080.5)]);

        study.Finish(run, warmupSteps: 0, study.ReadPeaks());

        Assert.Equal(new MatrixPeak("bf16", 2, 1080.5), Assert.Single(MetricsFile.Read(study.Run(run).Metrics).Host!.MatrixPeaks!));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[{\"precision\":\"fp32\"")]
    [InlineData("[{\"precision\":\"fp32\",\"gigaflops\":1}]")]
    public void ReadPeaks_OfADamagedFile_AreNone(string text)
    {
        StudyDirectory study = Study();
        Assert.Null(study.ReadPeaks());
        study.Create(_settings);
        File.WriteAllText(study.Peaks, text);

        Assert.Null(study.ReadPeaks());
    }

    [Fact]
    public void Fail_ARun_KeepsItWhereItDoesNotCount()
    {
        StudyDirectory study = Study();
        study.Create(_settings);
        var run = new StudyRun(new StudyConfiguration(2, 1, Precision.Fp32), 1);
        MetricsFile.Write(study.Begin(run).Metrics, Metrics());

        string folder = study.Fail(run);

        Assert.False(study.Has(run));
        Assert.True(File.Exists(Path.Combine(folder, "metrics.json")));
    }

    [Theory]
    [InlineData("metrics_2_cpus.json", "1", "fp32")]
    [InlineData("metrics_2_cpus_bf16.json", "1", "fp32,bf16")]
    [InlineData("metrics_2_cpus_1_threads.json", "1,2", "bf16")]
    [InlineData("metrics_2_cpus_bf16_1_threads.json", "1,2", "fp32,bf16")]
    public void MetricsFile_OfAConfiguration_NamesWhatIsNotTheSameForAll(string expected, string threads, string precisions)
    {
        var plan = new StudyPlan(_settings with { Threads = [.. threads.Split(',').Select(int.Parse)], Precisions = [.. precisions.Split(',').Select(PrecisionNames.Parse)] });

        Assert.Equal(expected, Path.GetFileName(Study().MetricsFile(new StudyConfiguration(2, 1, PrecisionNames.Parse(precisions.Split(',')[^1])), plan)));
    }

    private StudyDirectory Study() => new(Path.Combine(_folder.Root, "study"));

    private static RunMetrics Metrics() => new()
    {
        StartTime = default,
        EndTime = default,
        Metrics = [new StepMetrics { Timestamp = default, Rank = 0, Step = 1, Loss = 1, BatchSize = 8, LearningRate = 1, ElapsedTime = 1, StepTime = 1 }],
    };
}
