using System.Text.Json.Nodes;
using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using Convoy.Training.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Lanes.Tests.Models;

public sealed class LaneCheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void LoadModel_OtherEncodersWeights_AreRefused()
    {
        Checkpoint written = Write(EncoderDepth.ResNet18, "ResNet34");

        Assert.Contains("is of another model", Assert.Throws<BadInputException>(() => written.LoadModel()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadModel_UnknownEncoder_IsRefused()
    {
        TorchSharp.Modules.Linear model = nn.Linear(3, 2);
        Checkpoint written = Write(model, "ResNet50");

        Assert.Contains("its encoder is unknown (ResNet50)", Assert.Throws<BadInputException>(() => written.LoadModel()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Restore_OtherEncodersCheckpoint_IsRefusedAndTheModelUnchanged()
    {
        Checkpoint written = Write(EncoderDepth.ResNet34, "ResNet34");
        var model = new LaneDetectionModel();
        Tensor before = model.state_dict()["layer1.0.conv1.weight"].clone();

        Assert.Throws<BadInputException>(() => written.Restore(model, optim.AdamW(model.parameters())));

        TensorAssert.Identical(before, model.state_dict()["layer1.0.conv1.weight"]);
    }

    /// <summary>What a version wrote that had one task only: no random states, no sums, and the names of the lane detector beside the others.</summary>
    [Fact]
    public void LoadModel_CheckpointOfAnEarlierVersion_IsTheSameModel()
    {
        var model = new LaneDetectionModel(EncoderDepth.ResNet34);
        Checkpoint written = Write(model, "ResNet34");
        File.Delete(Path.Combine(written.Folder, "random.safetensors"));
        File.WriteAllText(
            Path.Combine(written.Folder, "state.json"),
            """{"step":7,"encoder":"ResNet34","image_size":"400x184","line_width":1.25,"elapsed_time":3.5,"grad_scaler":null}""");

        var earlier = Checkpoint.Find(_folder.Root);

        Assert.Equal((7, 3.5), (earlier.State.Step, earlier.State.ElapsedTime));
        Assert.Equal((new ImageSize(400, 184), 1.25), (earlier.ImageSize(), earlier.LineWidth()));
        using LaneDetectionModel loaded = earlier.LoadModel();
        TensorAssert.Identical(model.state_dict()["layer4.2.conv2.weight"], loaded.state_dict()["layer4.2.conv2.weight"]);
        Assert.Null(earlier.RandomState("cpu.rank0"));
        earlier.Restore(model, optim.AdamW(model.parameters()));
    }

    [Fact]
    public void LineWidth_OfTheDefault_IsNull()
    {
        State("""{"step":7,"encoder":"ResNet18","image_size":"64x32","line_width":null,"elapsed_time":1}""");

        Assert.Null(Checkpoint.Open(_folder.Root).LineWidth());
    }

    [Theory]
    [InlineData("image_size", "null", "its state.json has no image_size")]
    [InlineData("image_size", "\"0x0\"", "its state.json has image_size 0x0")]
    [InlineData("image_size", "7", "its state.json has image_size 7")]
    [InlineData("encoder", "null", "its state.json has no encoder")]
    [InlineData("encoder", "18", "its state.json has encoder 18")]
    [InlineData("line_width", "1e-308", "its state.json has line_width 1e-308")]
    [InlineData("line_width", "-2", "its state.json has line_width -2")]
    [InlineData("line_width", "[]", "its state.json has line_width []")]
    public void Members_OfAHostileState_SayWhatIsWrong(string name, string value, string expected)
    {
        string text = """{"step":8,"encoder":"ResNet18","image_size":"64x32","elapsed_time":1}""";
        JsonObject state = JsonNode.Parse(text)!.AsObject();
        state[name] = JsonNode.Parse(value);
        State(state.ToJsonString());
        var checkpoint = Checkpoint.Open(_folder.Root);

        string message = Assert.Throws<BadInputException>(() => name == "encoder" ? checkpoint.LoadModel() : name == "line_width" ? checkpoint.LineWidth() : (object)checkpoint.ImageSize()).Message;

        Assert.Equal($"not a checkpoint of the lane detector, {expected} ({_folder.Root}). Give a checkpoint that 'convoy train' wrote.", message);
    }

    private void State(string json) => _folder.Write("state.json", json);

    private Checkpoint Write(EncoderDepth depth, string encoder) => Write(new LaneDetectionModel(depth), encoder);

    private Checkpoint Write(nn.Module model, string encoder) => Checkpoint.Write(
        _folder.Root,
        model,
        optim.AdamW(model.parameters()),
        new Dictionary<string, Tensor>(),
        new CheckpointState { Step = 7, ElapsedTime = 1.5, Task = new JsonObject { ["encoder"] = encoder, ["image_size"] = "64x32" } },
        keep: 1);
}
