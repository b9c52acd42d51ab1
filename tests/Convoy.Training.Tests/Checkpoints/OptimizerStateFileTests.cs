using Convoy.Training.Checkpoints;
using Convoy.Torch.Optim;
using Convoy.Torch.Serialization;
using TorchSharp;
using static TorchSharp.torch;
using AdamW = TorchSharp.Modules.AdamW;
using Linear = TorchSharp.Modules.Linear;

namespace Convoy.Training.Tests.Checkpoints;

public sealed class OptimizerStateFileTests : IDisposable
{
    private static readonly string[] Names = ["weight", "bias"];
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Load_SavedState_GoesOnBitForBit()
    {
        (Linear model, AdamW optimizer) = Make(4);
        Step(model, optimizer, 1, 2, 3);
        OptimizerStateFile.Save(optimizer, Names, _folder.File("o"));
        ModelWeights.Save(model, _folder.File("m"));
        (Linear resumed, AdamW resumedOptimizer) = Make(4);
        ModelWeights.Load(resumed, _folder.File("m"));
        OptimizerStateFile.Load(resumedOptimizer, Names, _folder.File("o"));

        Step(model, optimizer, 4, 5, 6);
        Step(resumed, resumedOptimizer, 4, 5, 6);

        TensorAssert.Identical(model.weight!, resumed.weight!);
        TensorAssert.Identical(model.bias!, resumed.bias!);
        OptimizerStateFile.Save(optimizer, Names, _folder.File("end"));
        OptimizerStateFile.Save(resumedOptimizer, Names, _folder.File("resumed-end"));
        Assert.Equal(File.ReadAllBytes(_folder.File("end")), File.ReadAllBytes(_folder.File("resumed-end")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Load_StateOfTheOtherOptimizer_GoesOnToRounding(bool fromFused)
    {
        // In float64: in float32 AdamW makes whole steps of rounding in small gradients.
        (Linear model, AdamW optimizer) = Make(4, fromFused, ScalarType.Float64);
        Step(model, optimizer, 1, 2, 3);
        OptimizerStateFile.Save(optimizer, Names, _folder.File("o"));
        ModelWeights.Save(model, _folder.File("m"));
        (Linear resumed, AdamW resumedOptimizer) = Make(4, !fromFused, ScalarType.Float64);
        ModelWeights.Load(resumed, _folder.File("m"));
        OptimizerStateFile.Load(resumedOptimizer, Names, _folder.File("o"));
        OptimizerStateFile.Save(resumedOptimizer, Names, _folder.File("again"));

        Step(model, optimizer, 4, 5, 6);
        Step(resumed, resumedOptimizer, 4, 5, 6);

        Assert.Equal(File.ReadAllBytes(_folder.File("o")), File.ReadAllBytes(_folder.File("again")));
        Assert.True(resumed.weight!.allclose(model.weight!, 1e-10, 1e-12));
        Assert.True(resumed.bias!.allclose(model.bias!, 1e-10, 1e-12));
    }

    [Fact]
    public void Load_NothingLoaded_WouldGoOnDifferently()
    {
        (Linear model, AdamW optimizer) = Make(4);
        Step(model, optimizer, 1, 2, 3);
        ModelWeights.Save(model, _folder.File("m"));
        (Linear other, AdamW otherOptimizer) = Make(4);
        ModelWeights.Load(other, _folder.File("m"));

        Step(model, optimizer, 4);
        Step(other, otherOptimizer, 4);

        // So the test above can fail.
        Assert.NotEqual(TensorAssert.Bytes(model.weight!), TensorAssert.Bytes(other.weight!));
    }

    [Fact]
    public void Save_AfterThreeSteps_HasNamesAndCounts()
    {
        (Linear model, AdamW optimizer) = Make(4);
        Step(model, optimizer, 1, 2, 3);
        OptimizerStateFile.Save(optimizer, Names, _folder.File("o"));

        Dictionary<string, Tensor> values = SafetensorsFile.Read(_folder.File("o"));

        Assert.Equal(["bias.exp_avg", "bias.exp_avg_sq", "bias.step", "weight.exp_avg", "weight.exp_avg_sq", "weight.step"], values.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(3, values["weight.step"].item<long>());
        Assert.Equal(model.weight!.shape, values["weight.exp_avg"].shape);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void Load_OtherShapes_IsRefusedAndTheOptimizerUnchanged(int otherInputs)
    {
        // A state with one input would spread over four if it were only copied.
        (Linear other, AdamW otherOptimizer) = Make(otherInputs);
        Step(other, otherOptimizer, 1, 2);
        OptimizerStateFile.Save(otherOptimizer, ["weight", "bias"], _folder.File("other"));
        (Linear model, AdamW optimizer) = Make(4);
        Step(model, optimizer, 1);
        OptimizerStateFile.Save(optimizer, Names, _folder.File("before"));

        Assert.Throws<BadInputException>(() => OptimizerStateFile.Load(optimizer, Names, _folder.File("other")));

        OptimizerStateFile.Save(optimizer, Names, _folder.File("after"));
        Assert.Equal(File.ReadAllBytes(_folder.File("before")), File.ReadAllBytes(_folder.File("after")));
    }

    [Fact]
    public void Load_OtherNames_NamesTheMissingOne()
    {
        (Linear model, AdamW optimizer) = Make(4);
        Step(model, optimizer, 1);
        OptimizerStateFile.Save(optimizer, ["weight", "other"], _folder.File("o"));

        var error = Assert.Throws<BadInputException>(() => OptimizerStateFile.Load(optimizer, Names, _folder.File("o")));

        Assert.Contains("bias.exp_avg", error.Message, StringComparison.Ordinal);
    }

    private static (Linear Model, AdamW Optimizer) Make(int inputs, bool fused = false, ScalarType type = ScalarType.Float32)
    {
        random.manual_seed(11);
        Linear model = nn.Linear(inputs, 3, dtype: type);
        return (model, fused ? new FusedAdamW(model.parameters(), 0.01, weight_decay: 0.1) : optim.AdamW(model.parameters(), 0.01, weight_decay: 0.1));
    }

    private static void Step(Linear model, AdamW optimizer, params int[] seeds)
    {
        foreach (int seed in seeds)
        {
            optimizer.zero_grad();
            Tensor input = randn([8, model.weight!.shape[1]], model.weight.dtype, generator: new Generator((ulong)seed, CPU));
            model.call(input).square().mean().backward();
            optimizer.step();
        }
    }
}
