using Convoy.Lanes.Checkpoints;
using Convoy.Lanes.Models;
using Convoy.Torch.Serialization;
using TorchSharp;
using static TorchSharp.torch;
using AdamW = TorchSharp.Modules.AdamW;

namespace Convoy.Lanes.Tests.Checkpoints;

public sealed class CheckpointTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Write_MoreThanKept_DeletesTheOldest()
    {
        (nn.Module model, AdamW optimizer) = Small();
        foreach (long step in new long[] { 1, 2, 30, 4_000_000 })
        {
            Checkpoint.Write(_folder.Root, model, optimizer, State(step), keep: 2);
        }

        Assert.Equal(["step-000030", "step-4000000"], Directory.EnumerateFileSystemEntries(_folder.Root).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(State(4_000_000), Checkpoint.Latest(_folder.Root)!.State);
    }

    [Fact]
    public void Write_SameStepAgain_ReplacesIt()
    {
        (nn.Module model, AdamW optimizer) = Small();
        Checkpoint.Write(_folder.Root, model, optimizer, State(3), keep: 1);
        Checkpoint.Write(_folder.Root, model, optimizer, State(3) with { ElapsedTime = 99 }, keep: 1);

        Assert.Equal(99, Checkpoint.Latest(_folder.Root)!.State.ElapsedTime);
    }

    [Fact]
    public void Write_Failing_LeavesNothingAndKeepsTheEarlierOnes()
    {
        (nn.Module model, AdamW optimizer) = Small();
        Checkpoint.Write(_folder.Root, model, optimizer, State(1), keep: 1);

        // Weights are written before the optimizer's state, of which this module has too few names.
        Assert.Throws<InvalidOperationException>(() => Checkpoint.Write(_folder.Root, nn.Linear(3, 2, hasBias: false), optimizer, State(2), keep: 1));

        Assert.Equal(["step-000001"], Directory.EnumerateFileSystemEntries(_folder.Root).Select(Path.GetFileName));
    }

    [Fact]
    public void Write_BelowAFile_IsAFileError()
    {
        (nn.Module model, AdamW optimizer) = Small();

        Assert.ThrowsAny<IOException>(() => Checkpoint.Write(Path.Combine(_folder.Write("file", "x"), "checkpoints"), model, optimizer, State(1), keep: 1));
    }

    [Fact]
    public void Latest_UnfinishedAndForeignFolders_AreIgnored()
    {
        (nn.Module model, AdamW optimizer) = Small();
        Checkpoint.Write(_folder.Root, model, optimizer, State(5), keep: 1);
        Directory.CreateDirectory(_folder.File(".step-000009.unfinished"));
        Directory.CreateDirectory(_folder.File("step-000005-my-best-one"));

        Assert.Equal(5, Checkpoint.Latest(_folder.Root)!.State.Step);
        Checkpoint.Write(_folder.Root, model, optimizer, State(9), keep: 1);

        Assert.Equal(["step-000005-my-best-one", "step-000009"], Directory.EnumerateDirectories(_folder.Root).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Latest_NoFolder_IsNull() => Assert.Null(Checkpoint.Latest(_folder.File("absent")));

    [Fact]
    public void Find_RunFolderAndFile_MeanTheSameCheckpoint()
    {
        (nn.Module model, AdamW optimizer) = Small();
        string written = Checkpoint.Write(_folder.File("checkpoints"), model, optimizer, State(7), keep: 1).Folder;

        Assert.All(
            [_folder.Root, _folder.File("checkpoints"), written, Path.Combine(written, "model.safetensors")],
            path => Assert.Equal(written, Checkpoint.Find(path).Folder));
        Assert.Throws<BadInputException>(() => Checkpoint.Find(_folder.File("absent")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("{\"step\":\"five\"}")]
    public void Open_DamagedState_IsRefused(string json)
    {
        _folder.Write("state.json", json);

        Assert.Throws<BadInputException>(() => Checkpoint.Open(_folder.Root));
    }

    [Fact]
    public void LoadModel_OtherEncodersWeights_AreRefused()
    {
        Checkpoint written = WriteLaneModel(EncoderDepth.ResNet18, "ResNet34");

        Assert.Contains("is of another model", Assert.Throws<BadInputException>(() => written.LoadModel()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadModel_UnknownEncoder_IsRefused()
    {
        (nn.Module model, AdamW optimizer) = Small();
        Checkpoint written = Checkpoint.Write(_folder.Root, model, optimizer, State(1) with { Encoder = "ResNet50" }, keep: 1);

        Assert.Throws<BadInputException>(() => written.LoadModel());
    }

    [Fact]
    public void Restore_OtherEncodersCheckpoint_IsRefusedAndTheModelUnchanged()
    {
        Checkpoint written = WriteLaneModel(EncoderDepth.ResNet34, "ResNet34");
        var model = new LaneDetectionModel();
        Tensor before = model.state_dict()["layer1.0.conv1.weight"].clone();

        Assert.Throws<BadInputException>(() => written.Restore(model, optim.AdamW(model.parameters())));

        TensorAssert.Identical(before, model.state_dict()["layer1.0.conv1.weight"]);
    }

    [Fact]
    public void Load_OneShapeDiffers_NamesItAndLeavesTheModuleUnchanged()
    {
        ModelWeights.Save(nn.Linear(3, 4), _folder.File("other"));
        TorchSharp.Modules.Linear model = nn.Linear(3, 2);
        Tensor weight = model.weight!.clone(), bias = model.bias!.clone();

        string message = Assert.Throws<BadInputException>(() => ModelWeights.Load(model, _folder.File("other"))).Message;

        Assert.Contains("[4, 3] instead of [2, 3]", message, StringComparison.Ordinal);
        TensorAssert.Identical(weight, model.weight!);
        TensorAssert.Identical(bias, model.bias!);
    }

    [Fact]
    public void LoadPretrained_TorchvisionsFile_FillsTheEncoderOnly()
    {
        var source = new LaneDetectionModel();
        Dictionary<string, Tensor> file = source.state_dict()
            .Where(entry => entry.Key.Split('.')[0] is "conv1" or "bn1" or "layer1" or "layer2" or "layer3" or "layer4")
            .Where(entry => !entry.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal))
            .ToDictionary(entry => entry.Key, entry => entry.Value);
        file.Add("fc.weight", zeros(1000, 512));
        file.Add("fc.bias", zeros(1000));
        SafetensorsFile.Write(_folder.File("resnet18"), file);
        var model = new LaneDetectionModel();
        Tensor head = model.state_dict()["head.weight"].clone();

        Assert.Equal(100, ModelWeights.LoadPretrained(model, _folder.File("resnet18")));

        TensorAssert.Identical(source.state_dict()["layer4.1.conv2.weight"], model.state_dict()["layer4.1.conv2.weight"]);
        TensorAssert.Identical(head, model.state_dict()["head.weight"]);
        Assert.Contains("has no layer1.2.conv1.weight", Assert.Throws<BadInputException>(() => ModelWeights.LoadPretrained(new LaneDetectionModel(EncoderDepth.ResNet34), _folder.File("resnet18"))).Message, StringComparison.Ordinal);
    }

    private Checkpoint WriteLaneModel(EncoderDepth depth, string encoder)
    {
        var model = new LaneDetectionModel(depth);
        return Checkpoint.Write(_folder.Root, model, optim.AdamW(model.parameters()), State(1) with { Encoder = encoder }, keep: 1);
    }

    private static (nn.Module Model, AdamW Optimizer) Small()
    {
        TorchSharp.Modules.Linear model = nn.Linear(3, 2);
        return (model, optim.AdamW(model.parameters()));
    }

    private static CheckpointState State(long step) => new() { Step = step, Encoder = "ResNet18", ImageSize = "64x32", ElapsedTime = 1.5 };
}
