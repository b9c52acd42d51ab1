using System.Text.Json.Nodes;
using Convoy.Training.Options;
using Convoy.Training.Programs;

namespace Convoy.Training.Tests.Programs;

public sealed class TaskDescriptionTests
{
    // Zeros are values of their own, and not those of settings that are left to the program.
    private static readonly TrainingOptions Defaults = new()
    {
        Epochs = 3, Clip = 0, WarmupUpdates = 0, WeightDecay = 0, Workers = 0, KeepCheckpoints = 0, Seed = 0, Lr = 0.1 + 0.2, SyncBn = false, Precision = Precision.Bf16, Accumulate = 1, ScaleLr = false,
    };

    [Fact]
    public void FromLine_WrittenDescription_IsTheSame()
    {
        TaskDescription description = Make();
        string line = description.ToLine();

        Assert.DoesNotContain('\n', line);
        TaskDescription read = TaskDescription.FromLine(line)!;
        Assert.Equal((description.Name, description.SampleNoun, description.Samples, description.Prepares, description.Data), (read.Name, read.SampleNoun, read.Samples, read.Prepares, read.Data));
        Assert.Equal(description.Settings.ToJsonString(), read.Settings.ToJsonString());
        Assert.Equal(Defaults, read.TrainingDefaults());
        Assert.Equal((8, 1), (read.TrainingDefaults().Resolve(cores: 8).Nproc, read.TrainingDefaults().Resolve(cores: 8).Threads));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a library's message")]
    [InlineData("{\"convoy_task\":")]
    [InlineData("{\"convoy_task\":\"MyTask\"}")]
    [InlineData("{\"step\":{}}")]
    public void FromLine_OtherOutput_IsNull(string line) => Assert.Null(TaskDescription.FromLine(line));

    private static TaskDescription Make() => new()
    {
        Name = "MyTask",
        SampleNoun = "pair",
        Samples = 4096,
        Prepares = true,
        Data = "4096 pairs of \"ü\"\nand more",
        Settings = new JsonObject { ["noise"] = 0.2, ["data"] = null, ["kind"] = "Focal" },
        Defaults = Defaults.ToJson(),
    };
}
