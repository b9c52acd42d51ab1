using System.Text.Json.Nodes;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Torch.Nn;

namespace Convoy.Training.Tests.Runs;

public sealed class RunDirectoryTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Create_AbsentFolder_MakesItEmpty()
    {
        new RunDirectory(_folder.File("a/b")).Create();

        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.File("a/b")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Remove_RunThatNeverBegan_LeavesWhatWasThereBefore(bool existed)
    {
        string outside = _folder.Write("outside/keep.txt", "keep"), root = _folder.File("run");
        if (existed)
        {
            Directory.CreateDirectory(root);
        }

        var run = new RunDirectory(root);
        run.Create();
        _folder.Write("run/logs/rank-0.log", "");
        Directory.CreateSymbolicLink(_folder.File("run/link"), _folder.File("outside"));
        run.Remove();

        Assert.Equal(existed, Directory.Exists(root));
        Assert.Equal("keep", File.ReadAllText(outside));
        new RunDirectory(root).Create();
    }

    [Fact]
    public void Create_NonEmptyFolder_IsRefused()
    {
        _folder.Write("mine.txt", "keep");

        string message = Assert.Throws<BadInputException>(() => new RunDirectory(_folder.Root).Create()).Message;

        Assert.Equal($"the output folder is not empty ({_folder.Root}). Give another --out, or continue that run with --resume.", message);
        Assert.Equal("keep", File.ReadAllText(_folder.File("mine.txt")));
    }

    [Fact]
    public void Create_WhatARunLeftThatNeverBegan_IsNoHindrance()
    {
        _folder.Write("run.lock", "1 x");
        _folder.Write("config.json.0123456789abcdef0123456789abcdef.tmp", "{");
        _folder.Write("data.unfinished-77/clips/a.jpg", "x");
        var run = new RunDirectory(_folder.Root);

        run.Create();
        run.RemoveLeftovers();

        Assert.Equal(["run.lock"], Directory.EnumerateFileSystemEntries(_folder.Root).Select(Path.GetFileName));
    }

    [Fact]
    public void Create_BelowAFile_IsRefused()
    {
        string file = _folder.Write("file", "x");

        Assert.Contains($"there is a file where a folder should be ({file})", Assert.Throws<BadInputException>(() => new RunDirectory(Path.Combine(file, "run")).Create()).Message, StringComparison.Ordinal);
        Assert.Throws<BadInputException>(() => new RunDirectory(file).Create());
    }

    [Fact]
    public void ReadConfig_WrittenConfiguration_IsTheSame()
    {
        var options = new TrainingOptions
        {
            Nproc = 4, Threads = 2, BatchSize = 12, Epochs = 7, Steps = 1L << 40, ScheduleSteps = 99, Lr = 0.1 + 0.2, ScaleLr = false, LrScale = 3, WarmupUpdates = 3, WeightDecay = 1e-300, Accumulate = 5, Clip = 0,
            SyncBn = false, Workers = 0, EvalEvery = 6, CheckpointEvery = 8, KeepCheckpoints = 9, Seed = long.MinValue, ChannelsLast = false, TimeoutSeconds = 0.5,
            Precision = Precision.Fp16, Fuse = FusedOperations.Loss | FusedOperations.Norm, CheckpointActivations = "auto", Backend = Backend.Hierarchical,
        };
        var configuration = new RunConfiguration(options, new JsonObject { ["data"] = "/data/ü \"x\"", ["image_size"] = "400x184", ["line_width"] = 1.0 / 3, ["cache"] = null })
        {
            Program = ["/bin/my program", "--data", "x y"],
        };
        var run = new RunDirectory(_folder.Root);
        run.WriteConfig(configuration);

        RunConfiguration read = run.ReadConfig();
        Assert.Equal(configuration, read);
        Assert.Equal(options, read.Training);
        Assert.Equal(configuration.Task.ToJsonString(), read.Task.ToJsonString());
        Assert.Equal(configuration.Program, read.Program);
        Assert.Equal(["config.json"], Directory.EnumerateFileSystemEntries(_folder.Root).Select(Path.GetFileName));
        Assert.Contains("\"image_size\": \"400x184\"", File.ReadAllText(run.Config), StringComparison.Ordinal);

        // Each property differs from its default, so one that was lost would show.
        var defaults = new TrainingOptions { Nproc = 1, Threads = 1 };
        Assert.All(
            typeof(TrainingOptions).GetProperties().Where(property => property.CanWrite),
            property => Assert.NotEqual(property.GetValue(defaults), property.GetValue(options)));
    }

    [Fact]
    public void ReadConfig_Defaults_AreTheSame()
    {
        var configuration = new RunConfiguration(new TrainingOptions { Nproc = 1, Threads = 1 }, new JsonObject { ["data"] = "d" });
        var run = new RunDirectory(_folder.Root);
        run.WriteConfig(configuration);

        Assert.Equal(configuration, run.ReadConfig());
        Assert.Equal(configuration.Training, run.ReadConfig().Training);
    }

    [Fact]
    public void ReadConfig_OfAVersionBeforeMostSettings_HasTheirDefaults()
    {
        _folder.Write("config.json", """{"data":"d","nproc":2,"threads":3}""");

        Assert.Equal(new RunConfiguration(new TrainingOptions { Nproc = 2, Threads = 3 }, new JsonObject { ["data"] = "d" }), new RunDirectory(_folder.Root).ReadConfig());
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"data":"d","nproc":"many","threads":1}""")]
    [InlineData("""{"data":"d","nproc":0,"threads":1}""")]
    [InlineData("""{"data":"d","nproc":1,"threads":1,"precision":2}""")]
    [InlineData("""{"data":"d","nproc":1,"threads":1,"fuse":"norm, all, 3"}""")]
    [InlineData("""{"data":"a\u0000b","nproc":1,"threads":1}""")]
    [InlineData("""{"data":"\ud800","nproc":1,"threads":1}""")]
    [InlineData("""{"data":"d","data":"e","nproc":1,"threads":1}""")]
    [InlineData("""{"data":"d","nproc":1,"threads":1,"program":"convoy"}""")]
    [InlineData("""{"data":"d","nproc":1,"threads":1,"program":[1]}""")]
    public void ReadConfig_Damaged_IsRefused(string json)
    {
        _folder.Write("config.json", json);

        Assert.Throws<BadInputException>(() => new RunDirectory(_folder.Root).ReadConfig());
    }

    [Fact]
    public void ReadConfig_NoRun_IsRefused() =>
        Assert.Equal(
            $"not a run directory, it has no config.json ({_folder.Root}). Give the --out of an earlier run.",
            Assert.Throws<BadInputException>(() => new RunDirectory(_folder.Root).ReadConfig()).Message);
}
