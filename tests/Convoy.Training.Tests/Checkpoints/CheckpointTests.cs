using Convoy.Training.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using AdamW = TorchSharp.Modules.AdamW;

namespace Convoy.Training.Tests.Checkpoints;

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
            Checkpoint.Write(_folder.Root, model, optimizer, NoStates, State(step), keep: 2);
        }

        Assert.Equal(["step-000030", "step-4000000"], Directory.EnumerateFileSystemEntries(_folder.Root).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(State(4_000_000), Checkpoint.Latest(_folder.Root)!.State);
    }

    [Fact]
    public void Write_SameStepAgain_ReplacesIt()
    {
        (nn.Module model, AdamW optimizer) = Small();
        Checkpoint.Write(_folder.Root, model, optimizer, NoStates, State(3), keep: 1);
        Checkpoint.Write(_folder.Root, model, optimizer, NoStates, State(3) with { ElapsedTime = 99 }, keep: 1);

        Assert.Equal(99, Checkpoint.Latest(_folder.Root)!.State.ElapsedTime);
    }

    [Fact]
    public void Write_Failing_LeavesNothingAndKeepsTheEarlierOnes()
    {
        (nn.Module model, AdamW optimizer) = Small();
        Checkpoint.Write(_folder.Root, model, optimizer, NoStates, State(1), keep: 1);

        // Weights are written before the optimizer's state, of which this module has too few names.
        Assert.Throws<InvalidOperationException>(() => Checkpoint.Write(_folder.Root, nn.Linear(3, 2, hasBias: false), optimizer, NoStates, State(2), keep: 1));

        Assert.Equal(["step-000001"], Directory.EnumerateFileSystemEntries(_folder.Root).Select(Path.GetFileName));
    }

    [Fact]
    public void Write_BelowAFile_IsAFileError()
    {
        (nn.Module model, AdamW optimizer) = Small();

        Assert.ThrowsAny<IOException>(() => Checkpoint.Write(Path.Combine(_folder.Write("file", "x"), "checkpoints"), model, optimizer, NoStates, State(1), keep: 1));
    }

    [Fact]
    public void Latest_UnfinishedAndForeignFolders_AreIgnored()
    {
        (nn.Module model, AdamW optimizer) = Small();
        Checkpoint.Write(_folder.Root, model, optimizer, NoStates, State(5), keep: 1);
        Directory.CreateDirectory(_folder.File(".step-000009.unfinished"));
        Directory.CreateDirectory(_folder.File("step-000005-my-best-one"));

        Assert.Equal(5, Checkpoint.Latest(_folder.Root)!.State.Step);
        Checkpoint.Write(_folder.Root, model, optimizer, NoStates, State(9), keep: 1);

        Assert.Equal(["step-000005-my-best-one", "step-000009"], Directory.EnumerateDirectories(_folder.Root).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Latest_NoFolder_IsNull() => Assert.Null(Checkpoint.Latest(_folder.File("absent")));

    [Fact]
    public void Find_RunFolderAndFile_MeanTheSameCheckpoint()
    {
        (nn.Module model, AdamW optimizer) = Small();
        string written = Checkpoint.Write(_folder.File("checkpoints"), model, optimizer, NoStates, State(7), keep: 1).Folder;

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

    private static Dictionary<string, Tensor> NoStates => [];

    private static (nn.Module Model, AdamW Optimizer) Small()
    {
        TorchSharp.Modules.Linear model = nn.Linear(3, 2);
        return (model, optim.AdamW(model.parameters()));
    }

    private static CheckpointState State(long step) => new() { Step = step, ElapsedTime = 1.5 };
}
