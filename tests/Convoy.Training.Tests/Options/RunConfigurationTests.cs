using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Training.Options;

namespace Convoy.Training.Tests.Options;

public sealed class RunConfigurationTests
{
    private static readonly RunConfiguration Configuration = new(new TrainingOptions { Nproc = 2, Threads = 3, Epochs = 5, Lr = 0.1 + 0.2, Precision = Precision.Bf16 }, new JsonObject { ["noise"] = 0.5, ["data"] = null })
    {
        Program = ["dotnet", "my program.dll", "--noise", "0.5"],
    };

    [Fact]
    public void FromJson_WrittenConfiguration_IsTheSame()
    {
        JsonObject json = JsonNode.Parse(Configuration.ToJson().ToJsonString())!.AsObject();

        var read = RunConfiguration.FromJson(json, "config.json");

        Assert.Equal(Configuration, read);
        Assert.Equal(Configuration.GetHashCode(), read.GetHashCode());
        Assert.Equal(Configuration.Training, read.Training);
        Assert.Equal("""{"noise":0.5,"data":null}""", read.Task.ToJsonString());
        Assert.Equal(Configuration.Program, read.Program);
        Assert.Equal(["noise", "data", "nproc"], json.Select(entry => entry.Key).Take(3));
    }

    [Fact]
    public void FromJson_NumbersLeftToTheProgram_AreSoStill()
    {
        var open = new RunConfiguration(new TrainingOptions(), []);

        Assert.Equal(("auto", "auto"), (open.ToJson()["nproc"]!.GetValue<string>(), open.ToJson()["threads"]!.GetValue<string>()));
        Assert.Equal(open, RunConfiguration.FromJson(open.ToJson(), "config.json"));
    }

    [Fact]
    public void Converter_InsideAnotherDocument_ReadsWhatItWrites()
    {
        Assert.Equal(Configuration, JsonSerializer.Deserialize<RunConfiguration>(JsonSerializer.Serialize(Configuration)));
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<RunConfiguration>("[]"));
        Assert.Contains("nproc in the settings must be a whole number", Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<RunConfiguration>("""{"nproc":"x","threads":1}""")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"threads":1}""", "the configuration has no nproc (FILE). Correct it or start a new run.")]
    [InlineData("""{"nproc":1}""", "the configuration has no threads (FILE). Correct it or start a new run.")]
    [InlineData("""{"nproc":1,"threads":1,"lr":"high"}""", "lr in FILE must be a number (got high).")]
    [InlineData("""{"nproc":1,"threads":1,"program":{}}""", "the program must be a list of words (program in FILE). Correct it or start a new run.")]
    [InlineData("""{"nproc":1,"threads":1,"program":[null]}""", "the program must be a list of words (program in FILE). Correct it or start a new run.")]
    public void FromJson_Wrong_IsRefused(string json, string message) =>
        Assert.Equal(message, Assert.Throws<BadInputException>(() => RunConfiguration.FromJson(JsonNode.Parse(json)!.AsObject(), "FILE")).Message);

    [Fact]
    public void With_SettingsOfRunAndTask_GoWhereTheyBelong()
    {
        RunConfiguration changed = Configuration.With(new JsonObject { ["lr"] = 0.25, ["noise"] = 2, ["kind"] = "focal" });

        Assert.Equal(Configuration.Training with { Lr = 0.25 }, changed.Training);
        Assert.Equal("""{"noise":2,"data":null,"kind":"focal"}""", changed.Task.ToJsonString());
        Assert.Equal(Configuration.Program, changed.Program);
        Assert.Equal("""{"noise":0.5,"data":null}""", Configuration.Task.ToJsonString());
        Assert.Equal(Configuration, Configuration.With([]));
    }

    [Fact]
    public void With_StepsOrEpochs_TheOneThatIsGivenCounts()
    {
        RunConfiguration steps = Configuration.With(new JsonObject { ["steps"] = 10 });
        Assert.Equal((10, 5), (steps.Training.Steps, steps.Training.Epochs));

        RunConfiguration epochs = steps.With(new JsonObject { ["epochs"] = 7 });
        Assert.Equal((null, 7), (epochs.Training.Steps, epochs.Training.Epochs));

        var both = new JsonObject { ["steps"] = 10, ["epochs"] = 7 };
        Assert.Equal("--steps and --epochs both say how long to train (10 and 7). Give one of them.", Assert.Throws<BadInputException>(() => Configuration.With(both)).Message);

        // A file has both: what a run was recorded with.
        RunConfiguration file = Configuration.With(both, " in FILE");
        Assert.Equal((10, 7), (file.Training.Steps, file.Training.Epochs));
        Assert.Null(Configuration.With(new JsonObject { ["steps"] = null, ["epochs"] = 7 }).Training.Steps);
    }

    [Fact]
    public void With_OtherProcesses_SharesTheCoresOutAnew()
    {
        TrainingOptions Given(JsonObject settings) => Configuration.With(settings).Training.Resolve(cores: 8);

        Assert.Equal((2, 3), Processes(Given([])));
        Assert.Equal((4, 2), Processes(Given(new JsonObject { ["nproc"] = 4 })));
        Assert.Equal((4, 1), Processes(Given(new JsonObject { ["nproc"] = 4, ["threads"] = 1 })));
        Assert.Equal((2, 6), Processes(Given(new JsonObject { ["threads"] = 6 })));
        Assert.Equal((2, 4), Processes(Given(new JsonObject { ["threads"] = "auto" })));
        Assert.Equal((8, 1), Processes(Given(new JsonObject { ["nproc"] = "auto" })));

        static (int, int) Processes(TrainingOptions options) => (options.Nproc, options.Threads);
    }

    [Fact]
    public void With_AWrongValue_NamesItsSource() => Assert.Equal(
        "batch_size in FILE must be a whole number (got big).",
        Assert.Throws<BadInputException>(() => Configuration.With(new JsonObject { ["batch_size"] = "big" }, " in FILE")).Message);
}
