using System.Text.Json.Nodes;
using Convoy.Training.Checkpoints;
using Convoy.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;
using AdamW = TorchSharp.Modules.AdamW;

namespace Convoy.Training.Tests.Checkpoints;

/// <summary>A checkpoint that is damaged is found out, whatever was done to it, and the run goes on from the one before.</summary>
public sealed class CheckpointDamageTests : IDisposable
{
    private const string Model = "model.safetensors", Optimizer = "optimizer.safetensors", State = "state.json";

    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly RunDirectory _run;

    public CheckpointDamageTests()
    {
        _run = new RunDirectory(_folder.Root);
        TorchSharp.Modules.Linear model = nn.Linear(8, 4);
        AdamW optimizer = optim.AdamW(model.parameters());
        foreach (long step in new long[] { 4, 8 })
        {
            optimizer.zero_grad();
            model.call(ones(1, 8)).sum().backward();
            optimizer.step();
            Checkpoint.Write(_run.Checkpoints, model, optimizer, new Dictionary<string, Tensor>(), new CheckpointState { Step = step, ElapsedTime = step }, keep: 2);
        }
    }

    public static TheoryData<string, string> Kinds => new()
    {
        { "a bit of a weight", Model + " is not as it was written" },
        { "a bit of the optimizer's state", Optimizer + " is not as it was written" },
        { "a bit of a header", Model + " is not as it was written" },
        { "weights cut off", Model + " is not as it was written" },
        { "optimizer's state cut off", Optimizer + " is not as it was written" },
        { "weights missing", "it has no " + Model },
        { "state missing", "it has no " + State },
        { "weights empty", Model + " is not as it was written" },
        { "state empty", State + " is no JSON text" },
        { "weights of the other step", Model + " is not as it was written" },
        { "state of the other step", "its state.json is of step 4" },
        { "state edited", State + " is not as it was written" },
        { "a space in the state", State + " is not as it was written" },
        { "the state's own sum taken out", State + " has no SHA-256 of itself" },
        { "the weights' sum taken out", State + " is not as it was written" },
        { "bytes appended", Optimizer + " is not as it was written" },
        { "zeros in place of the weights", Model + " is not as it was written" },
        { "a folder in place of the weights", "it has no " + Model },
        { "the whole folder of the other step", "its state.json is of step 4" },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Find_NewestCheckpointDamaged_IsTheOneBeforeAndSaysWhy(string kind, string fault)
    {
        Damage(kind);

        var start = StartingPoint.Find(_run, processes: 1);

        Assert.Equal(4, start.Checkpoint!.State.Step);
        string warning = Assert.Single(start.Warnings);
        Assert.StartsWith($"step-000008 is passed over: {fault}", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a bit of a weight")]
    [InlineData("a bit of the optimizer's state")]
    [InlineData("state edited")]
    [InlineData("weights missing")]
    public void CheckpointFind_DamagedCheckpoint_IsRefusedByName(string kind)
    {
        Damage(kind);

        string message = Assert.Throws<BadInputException>(() => Checkpoint.Find(_folder.Root)).Message;

        Assert.Contains($"({At(string.Empty).TrimEnd('/')})", message, StringComparison.Ordinal);
        Assert.Equal(4, Checkpoint.Find(Path.Combine(_run.Checkpoints, "step-000004")).State.Step);
    }

    [Fact]
    public void Find_Undamaged_IsTheNewestWithoutAWord()
    {
        var start = StartingPoint.Find(_run, processes: 1);

        Assert.Equal(8, start.Checkpoint!.State.Step);
        Assert.Empty(start.Warnings);
    }

    [Fact]
    public void Find_AllDamaged_IsRefusedWithEveryReason()
    {
        Damage("weights missing");
        Directory.Delete(_folder.File("checkpoints", "step-000004"), recursive: true);
        Directory.CreateDirectory(_folder.File("checkpoints", "step-000004"));

        string message = Assert.Throws<BadInputException>(() => StartingPoint.Find(_run, processes: 1)).Message;

        Assert.Contains("step-000008 is passed over: it has no model.safetensors. step-000004 is passed over: it has no state.json", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_CheckpointOfAVersionBeforeTheSums_IsTakenWhenItsFormIsWhole()
    {
        UnsignedState.Edit(At(State), _ => { });
        Assert.Equal(8, StartingPoint.Find(_run, processes: 1).Checkpoint!.State.Step);

        Damage("weights cut off");
        var start = StartingPoint.Find(_run, processes: 1);

        Assert.Equal(4, start.Checkpoint!.State.Step);
        Assert.Equal("step-000008 is passed over: model.safetensors is not a whole safetensors file.", Assert.Single(start.Warnings));
    }

    [Theory]
    [InlineData("encoder", "\"\\ud800\"", "state.json is no JSON text")]
    [InlineData("step", "-1", "step is -1, not a number of steps")]
    [InlineData("step", "1.5", "step is 1.5, not a number of steps")]
    [InlineData("step", "1e99", "step is 1e99, not a number of steps")]
    [InlineData("elapsed_time", "-1", "elapsed_time is -1, not a number of seconds")]
    [InlineData("elapsed_time", "1e999", "elapsed_time is 1e999, not a number of seconds")]
    [InlineData("grad_scaler", "{}", "grad_scaler is wrong")]
    [InlineData("grad_scaler", "{\"scale\":1024,\"growth_factor\":2}", "grad_scaler is wrong")]
    [InlineData("grad_scaler", "{\"scale\":null}", "grad_scaler is {\"scale\":null}, not an object of numbers")]
    [InlineData("grad_scaler", "3", "grad_scaler is 3, not an object of numbers")]
    [InlineData("metrics", "[1]", "metrics is [1], not an object of numbers")]
    [InlineData("metrics", "{\"accuracy\":\"high\"}", "metrics is {\"accuracy\":\"high\"}, not an object of numbers")]
    [InlineData("sha256", "[]", "has no SHA-256 of itself")]
    [InlineData("sha256", "{\"state.json\":null}", "has a sum that is no text")]
    public void Open_HostileState_SaysWhatIsWrong(string name, string value, string expected)
    {
        string text = """{"step":8,"encoder":"ResNet18","image_size":"64x32","elapsed_time":1}""";
        int at = text.IndexOf($"\"{name}\":", StringComparison.Ordinal);
        int end = at < 0 ? -1 : text.IndexOfAny([',', '}'], at);
        File.WriteAllText(At(State), at < 0 ? $"{text[..^1]},\"{name}\":{value}}}" : $"{text[..at]}\"{name}\":{value}{text[end..]}");

        string message = Assert.Throws<BadInputException>(() => Checkpoint.Open(At(string.Empty))).Message;

        Assert.StartsWith("not a checkpoint, ", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    private string At(string file) => _folder.File("checkpoints", "step-000008", file);

    private string Older(string file) => _folder.File("checkpoints", "step-000004", file);

    private void Damage(string kind)
    {
        switch (kind)
        {
            case "a bit of a weight": Change(Model, bytes => bytes[^1] ^= 1); break;
            case "a bit of the optimizer's state": Change(Optimizer, bytes => bytes[^9] ^= 0x80); break;
            case "a bit of a header": Change(Model, bytes => bytes[20] ^= 4); break;
            case "weights cut off": File.WriteAllBytes(At(Model), File.ReadAllBytes(At(Model))[..^5]); break;
            case "optimizer's state cut off": File.WriteAllBytes(At(Optimizer), File.ReadAllBytes(At(Optimizer))[..30]); break;
            case "weights missing": File.Delete(At(Model)); break;
            case "state missing": File.Delete(At(State)); break;
            case "weights empty": File.WriteAllBytes(At(Model), []); break;
            case "state empty": File.WriteAllBytes(At(State), []); break;
            case "weights of the other step": File.Copy(Older(Model), At(Model), overwrite: true); break;
            case "state of the other step": File.Copy(Older(State), At(State), overwrite: true); break;
            case "state edited": File.WriteAllText(At(State), File.ReadAllText(At(State)).Replace("\"step\": 8", "\"step\": 9", StringComparison.Ordinal)); break;
            case "a space in the state": File.AppendAllText(At(State), " "); break;
            case "the state's own sum taken out": EditSums(sums => sums.Remove(State)); break;
            case "the weights' sum taken out": EditSums(sums => sums.Remove(Model)); break;
            case "bytes appended": File.AppendAllText(At(Optimizer), "more"); break;
            case "zeros in place of the weights": Change(Model, bytes => bytes.AsSpan(bytes.Length - 16).Clear()); break;
            case "a folder in place of the weights":
                File.Delete(At(Model));
                Directory.CreateDirectory(At(Model));
                break;
            case "the whole folder of the other step":
                foreach (string file in new[] { Model, Optimizer, State })
                {
                    File.Copy(Older(file), At(file), overwrite: true);
                }

                break;
            default: throw new ArgumentException(kind);
        }
    }

    private void Change(string file, Action<byte[]> change)
    {
        byte[] bytes = File.ReadAllBytes(At(file));
        change(bytes);
        File.WriteAllBytes(At(file), bytes);
    }

    private void EditSums(Action<JsonObject> edit)
    {
        JsonObject state = JsonNode.Parse(File.ReadAllText(At(State)))!.AsObject();
        edit(state["sha256"]!.AsObject());
        File.WriteAllText(At(State), state.ToJsonString());
    }
}
