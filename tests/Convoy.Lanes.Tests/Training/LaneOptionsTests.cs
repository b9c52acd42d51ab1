using System.Text.Json.Nodes;
using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using Convoy.Lanes.Training;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Runs;
using LaunchProgram = Convoy.Distributed.Launch.LaunchProgram;

namespace Convoy.Lanes.Tests.Training;

public sealed class LaneOptionsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, LaneOptions> Bad => new()
    {
        { "--val-split must be at least 0 and below 1 (got 1).", new LaneOptions { ValSplit = 1 } },
        { "--val-split must be at least 0 and below 1 (got NaN).", new LaneOptions { ValSplit = double.NaN } },
        { "--line-width must be above 0 and at most 200 (got 0).", new LaneOptions { LineWidth = 0 } },
        { "--line-width must be above 0 and at most 200 (got 201).", new LaneOptions { LineWidth = 201 } },
    };

    [Theory]
    [MemberData(nameof(Bad), DisableDiscoveryEnumeration = true)]
    public void Validate_BadValue_SaysWhatAndWhatToDo(string message, LaneOptions options) =>
        Assert.Equal(message, Assert.Throws<BadInputException>(() => LaneOptions.Table.Validate(options, asOptions: true)).Message);

    [Fact]
    public void Validate_InCode_CallsSettingsAsCodeDoes() => Assert.Equal(
        "ValSplit must be at least 0 and below 1 (got 1).",
        Assert.Throws<BadInputException>(() => LaneOptions.Table.Validate(new LaneOptions { ValSplit = 1 }, asOptions: false)).Message);

    [Fact]
    public void Config_WrittenOptions_AreTheSame()
    {
        var options = new LaneOptions
        {
            Data = "/data/ü \"x\"", Val = "/val", ValSplit = 0.25, Encoder = EncoderDepth.ResNet34, ImageSize = new ImageSize(400, 184), LineWidth = 1.0 / 3, Augment = false, Cache = "/cache", Pretrained = "/w",
        };
        var run = new RunDirectory(_folder.Root);
        run.WriteConfig(new RunConfiguration(new TrainingOptions { Nproc = 1, Threads = 1 }, LaneOptions.Table.ToJson(options)));

        var read = new LaneOptions();
        LaneOptions.Table.Apply(read, run.ReadConfig().Task);

        Assert.Equal(options, read);
        Assert.Contains("\"image_size\": \"400x184\"", File.ReadAllText(run.Config), StringComparison.Ordinal);

        // Each property differs from its default, so one that was lost would show.
        var defaults = new LaneOptions();
        Assert.All(
            typeof(LaneOptions).GetProperties().Where(property => property.CanWrite),
            property => Assert.NotEqual(property.GetValue(defaults), property.GetValue(options)));
    }

    [Fact]
    public void Config_OfAnEarlierVersion_IsRead()
    {
        _folder.Write("config.json", """{"data":"d","val":null,"val_split":0.2,"nproc":2,"threads":3,"encoder":"ResNet34","image_size":"400x184","line_width":2.5,"batch_size":8,"augment":false}""");

        RunConfiguration configuration = new RunDirectory(_folder.Root).ReadConfig();
        var options = new LaneOptions();
        LaneOptions.Table.Apply(options, configuration.Task);

        Assert.Equal(new TrainingOptions { Nproc = 2, Threads = 3 }, configuration.Training);
        Assert.Equal(new LaneOptions { Data = "d", Encoder = EncoderDepth.ResNet34, ImageSize = new ImageSize(400, 184), LineWidth = 2.5, Augment = false }, options);
    }

    [Theory]
    [InlineData("""{"data":"d","nproc":1,"threads":1,"line_widt":5}""", "unknown setting (line_widt). Did you mean line_width?")]
    [InlineData("""{"data":"d","nproc":1,"threads":1,"colour":5}""", "unknown setting (colour). The task has data, val, val_split, encoder, image_size, line_width, augment, cache, pretrained.")]
    [InlineData("""{"data":"d","nproc":1,"threads":1,"image_size":5}""", "image_size must be text in its format (got 5).")]
    [InlineData("""{"data":"d","nproc":1,"threads":1,"image_size":"big"}""", "not an image size (big). Give WIDTHxHEIGHT in pixels, each from 32 to 16384, such as 800x360.")]
    [InlineData("""{"data":null,"nproc":1,"threads":1}""", "data must be text (got null).")]
    [InlineData("""{"data":"d","nproc":1,"threads":1,"encoder":"18"}""", "encoder must be one of resnet18, resnet34 (got 18).")]
    [InlineData("""{"data":"d","nproc":1,"threads":1,"val_split":1}""", "--val-split must be at least 0 and below 1 (got 1).")]
    public void Config_Damaged_IsRefusedBeforeTheDataIsOpened(string json, string message)
    {
        _folder.Write("config.json", json);

        Assert.Equal(message, Count(_folder.Root));
    }

    [Fact]
    public void CountSamples_LineOfNoWidth_IsRefused()
    {
        _folder.Write("config.json", """{"data":"d","nproc":1,"threads":1,"line_width":1e-308}""");

        Assert.Contains("line width", Count(_folder.Root), StringComparison.Ordinal);
    }

    private static string Count(string folder)
    {
        using var task = new LaneTask();
        var program = TaskProgram.Create(task, LaunchProgram.ThisProgram());
        return Assert.Throws<BadInputException>(() => program.CountSamples(new RunDirectory(folder).ReadConfig(), folder, _ => { })).Message;
    }
}
