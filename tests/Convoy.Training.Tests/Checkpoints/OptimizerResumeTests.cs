using Convoy.Torch.Optim;
using Convoy.Training.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;
using Linear = TorchSharp.Modules.Linear;

namespace Convoy.Training.Tests.Checkpoints;

/// <summary>The state of each of TorchSharp's optimizers, saved, loaded and gone on with.</summary>
public sealed class OptimizerResumeTests : IDisposable
{
    private static readonly string[] Names = ["weight", "bias"];

    private static readonly Dictionary<string, Func<Linear, optim.Optimizer>> Optimizers = new(StringComparer.Ordinal)
    {
        ["Adadelta"] = model => optim.Adadelta(model.parameters()),
        ["Adagrad"] = model => optim.Adagrad(model.parameters()),
        ["Adam"] = model => optim.Adam(model.parameters(), 0.01),
        ["Adam amsgrad"] = model => optim.Adam(model.parameters(), 0.01, amsgrad: true),
        ["Adamax"] = model => optim.Adamax(model.parameters()),
        ["AdamW amsgrad"] = model => optim.AdamW(model.parameters(), 0.01, amsgrad: true),
        ["ASGD"] = model => optim.ASGD(model.parameters(), 0.05, t0: 2),
        ["FusedAdamW"] = model => new FusedAdamW(model.parameters(), 0.01),
        ["NAdam"] = model => optim.NAdam(model.parameters(), 0.01),
        ["RAdam"] = model => optim.RAdam(model.parameters(), 0.01),
        ["RMSProp"] = model => optim.RMSProp(model.parameters(), 0.01, momentum: 0.5, centered: true),
        ["Rprop"] = model => optim.Rprop(model.parameters(), 0.01),
        ["SGD"] = model => optim.SGD(model.parameters(), 0.1),
        ["SGD momentum"] = model => optim.SGD(model.parameters(), 0.1, momentum: 0.9, nesterov: true),
    };

    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string, ScalarType> Cases() => [.. from name in Optimizers.Keys from type in (ScalarType[])[ScalarType.Float32, ScalarType.Float64] select (name, type)];

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Load_SavedStateOfAnyOptimizer_GoesOnBitForBit(string name, ScalarType type)
    {
        (Linear model, optim.Optimizer optimizer) = Make(name, type);
        Step(model, optimizer, 1, 2, 3);
        OptimizerStateFile.Save(optimizer, Names, _folder.File("o"));
        ModelWeights.Save(model, _folder.File("m"));
        (Linear resumed, optim.Optimizer resumedOptimizer) = Make(name, type);
        ModelWeights.Load(resumed, _folder.File("m"));

        // What is loaded lives longer than the scope that it was loaded in.
        using (NewDisposeScope())
        {
            OptimizerStateFile.Load(resumedOptimizer, Names, _folder.File("o"));
        }

        Step(model, optimizer, 4, 5, 6);
        Step(resumed, resumedOptimizer, 4, 5, 6);

        TensorAssert.Identical(model.weight!, resumed.weight!);
        TensorAssert.Identical(model.bias!, resumed.bias!);
        OptimizerStateFile.Save(optimizer, Names, _folder.File("end"));
        OptimizerStateFile.Save(resumedOptimizer, Names, _folder.File("resumed-end"));
        Assert.Equal(File.ReadAllBytes(_folder.File("end")), File.ReadAllBytes(_folder.File("resumed-end")));
    }

    [Fact]
    public void Load_MomentumOfALaterStep_IsGivenUpForNone()
    {
        (Linear model, optim.Optimizer optimizer) = Make("SGD momentum", ScalarType.Float32);
        OptimizerStateFile.Save(optimizer, Names, _folder.File("o"));
        ModelWeights.Save(model, _folder.File("m"));
        Step(model, optimizer, 1);
        Tensor expected = model.weight!.clone();
        Step(model, optimizer, 2);

        OptimizerStateFile.Load(optimizer, Names, _folder.File("o"));
        ModelWeights.Load(model, _folder.File("m"));
        Step(model, optimizer, 1);

        TensorAssert.Identical(expected, model.weight!);
    }

    [Fact]
    public void Load_FileOfAnEarlierVersion_GoesOnBitForBit()
    {
        (Linear model, optim.Optimizer optimizer) = Make("Adam", ScalarType.Float32);
        Step(model, optimizer, 1, 2);
        ModelWeights.Save(model, _folder.File("m"));
        using (var writer = new BinaryWriter(File.Create(_folder.File("optimizer.dat"))))
        {
            writer.Write("Adam");
            ((TorchSharp.Modules.OptimizerHelper)optimizer).save_state_dict(writer);
        }

        (Linear resumed, optim.Optimizer resumedOptimizer) = Make("Adam", ScalarType.Float32);
        ModelWeights.Load(resumed, _folder.File("m"));
        OptimizerStateFile.Load(resumedOptimizer, Names, _folder.File("optimizer.safetensors"));
        Step(model, optimizer, 3);
        Step(resumed, resumedOptimizer, 3);

        TensorAssert.Identical(model.weight!, resumed.weight!);
        Assert.Throws<BadInputException>(() => OptimizerStateFile.Load(Make("SGD", ScalarType.Float32).Optimizer, Names, _folder.File("optimizer.safetensors")));
    }

    [Fact]
    public void Save_OptimizerWhoseStateIsMore_SaysSo()
    {
        Linear model = nn.Linear(4, 3);

        Assert.Contains("LBFGS cannot be saved", Assert.Throws<NotSupportedException>(() => OptimizerStateFile.Save(optim.LBFGS(model.parameters()), Names, _folder.File("o"))).Message, StringComparison.Ordinal);
    }

    private static (Linear Model, optim.Optimizer Optimizer) Make(string name, ScalarType type)
    {
        random.manual_seed(11);
        Linear model = nn.Linear(4, 3, dtype: type);
        return (model, Optimizers[name](model));
    }

    private static void Step(Linear model, optim.Optimizer optimizer, params int[] seeds)
    {
        foreach (int seed in seeds)
        {
            optimizer.zero_grad();
            Tensor input = randn([8, 4], model.weight!.dtype, generator: new Generator((ulong)seed, CPU));
            model.call(input).square().mean().backward();
            optimizer.step();
        }
    }
}
