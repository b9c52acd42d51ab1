using Convoy.Torch.Interop;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Optim;

/// <summary>Against TorchSharp's AdamW on equal parameters and gradients.</summary>
public sealed class FusedAdamWTests : IDisposable
{
    private const int Steps = 50;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Generator _generator = new(3);

    public void Dispose()
    {
        _generator.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData(ScalarType.Float32, false, 0.0, 1)]
    [InlineData(ScalarType.Float32, true, 0.1, 1)]
    [InlineData(ScalarType.Float32, false, 0.1, 3)]
    [InlineData(ScalarType.Float64, false, 0.1, 1)]
    public void Step_ManyShapes_GivesTheReferencesWeightsAndMoments(ScalarType dtype, bool maximize, double weightDecay, int threads)
    {
        int before = get_num_threads();
        set_num_threads(threads);
        try
        {
            Parameter[] parameters = Shapes(dtype), twins = Twins(parameters);
            using AdamW reference = optim.AdamW(twins, 0.01, 0.8, 0.95, 1e-6, weightDecay, maximize: maximize);
            using var fused = new FusedAdamW(parameters, 0.01, 0.8, 0.95, 1e-6, weightDecay, maximize);

            for (int step = 0; step < Steps; step++)
            {
                GiveGradients(parameters, twins);
                SetLearningRates(0.01 / (1 + step), reference, fused);
                reference.step();
                fused.step();
            }

            AssertEqual(reference, fused, dtype);
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void Step_MissingGradients_LeavesTheseParametersAndTheirStepsAlone()
    {
        Parameter[] parameters = Shapes(ScalarType.Float32), twins = Twins(parameters);
        parameters[1].requires_grad_(false);
        twins[1].requires_grad_(false);
        using AdamW reference = optim.AdamW(twins, 0.01, weight_decay: 0.1);
        using var fused = new FusedAdamW(parameters, 0.01, weight_decay: 0.1);
        Tensor frozen = parameters[1].clone();

        for (int step = 0; step < Steps; step++)
        {
            GiveGradients(parameters, twins);
            (parameters[1].grad, twins[1].grad) = (null, null);
            if (step % 3 == 1)
            {
                (parameters[3].grad, twins[3].grad) = (null, null);
            }

            reference.step();
            fused.step();
        }

        AssertEqual(reference, fused);
        Assert.Equal(frozen.data<float>().ToArray(), parameters[1].data<float>().ToArray());
        Assert.Equal([50, 0, 50, 33], States(fused).Take(4).Select(state => state.step));
    }

    [Fact]
    public void Step_TwoGroups_UsesTheOptionsOfEach()
    {
        Parameter[] parameters = Shapes(ScalarType.Float32), twins = Twins(parameters);
        using AdamW reference = optim.AdamW([new(twins[..3], new AdamW.Options { LearningRate = 0.1, beta1 = 0.5, weight_decay = 0 }), new AdamW.ParamGroup { Parameters = twins[3..5] }], 0.01, weight_decay: 0.3);
        using var fused = new FusedAdamW([new(parameters[..3], new AdamW.Options { LearningRate = 0.1, beta1 = 0.5, weight_decay = 0 }), new AdamW.ParamGroup { Parameters = parameters[3..5] }], 0.01, weight_decay: 0.3);
        reference.add_param_group(new AdamW.ParamGroup(twins[5..], new AdamW.Options { eps = 0.1 }));
        fused.add_param_group(new AdamW.ParamGroup(parameters[5..], new AdamW.Options { eps = 0.1 }));

        for (int step = 0; step < Steps; step++)
        {
            GiveGradients(parameters, twins);
            reference.step();
            fused.step();
        }

        AssertEqual(reference, fused);
        Assert.Equal([0.1, 0.01, 0.01], fused.ParamGroups.Select(group => group.LearningRate));
    }

    [Fact]
    public void Step_ParameterGivenTwice_UpdatesItOnce()
    {
        Parameter[] parameters = Shapes(ScalarType.Float32)[..2], twins = Twins(parameters);
        var module = new TiedModule(parameters[0]);
        Parameter otherHandle = module.parameters().Single();
        using AdamW reference = optim.AdamW(twins, 0.01);
        using var fused = new FusedAdamW([parameters[0], parameters[1], parameters[0], otherHandle], 0.01);

        for (int step = 0; step < 3; step++)
        {
            GiveGradients(parameters, twins);
            reference.step();
            fused.step();
        }

        Assert.All(parameters.Zip(twins), pair => AssertClose(pair.Second, pair.First));
        Assert.Equal([3, 3, 3, 3], States(fused).Select(state => state.step));
    }

    [Fact]
    public void Step_GradientsInOtherOrders_GivesTheReferencesWeights()
    {
        // As convolutions leave them without DistributedDataParallel, expanded ones of sums, and ones with a history.
        Parameter[] parameters = [new(Random(4, 3, 5, 5)), new(Random(7)), new(Random(6))], twins = Twins(parameters);
        using AdamW reference = optim.AdamW(twins, 0.01);
        using var fused = new FusedAdamW(parameters, 0.01) { ZeroGradients = true };
        Tensor[] gradients = [Random(4, 5, 5, 3).permute(0, 3, 1, 2), tensor(0.5f).expand(7), Random(6).requires_grad_()];
        for (int i = 0; i < parameters.Length; i++)
        {
            twins[i].grad = gradients[i].detach().clone();
            parameters[i].grad = i == 1 ? gradients[i] : gradients[i].clone();
        }

        Assert.False(parameters[0].grad!.is_contiguous());
        reference.step();
        (parameters[1].grad, twins[1].grad) = (parameters[1].grad!.clone(), twins[1].grad); // An expanded gradient cannot be written to.
        fused.step();

        AssertEqual(reference, fused);
        Assert.All(parameters, parameter => Assert.Equal(0, parameter.grad!.abs().sum().item<float>()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Step_ZeroGradients_LeavesZerosInPlaceOnlyWhenAsked(bool zero)
    {
        Parameter[] parameters = Shapes(ScalarType.Float32), twins = Twins(parameters);
        using var fused = new FusedAdamW(parameters) { ZeroGradients = zero };
        GiveGradients(parameters, twins);
        Tensor[] gradients = [.. parameters.Select(parameter => parameter.grad!)];
        fused.step();
        Assert.All(parameters.Zip(gradients), pair => Assert.True(AutogradVersion.AreSame(pair.First.grad!, pair.Second)));
        Assert.All(parameters.Zip(twins), pair => Assert.True(pair.First.grad!.equal(zero ? zeros_like(pair.Second) : pair.Second.grad!).all().item<bool>()));
    }

    [Theory]
    [InlineData(0.5)] // clips
    [InlineData(1e6)] // does not
    public void Step_MaxNorm_GivesWhatClippingFirstGives(double maxNorm)
    {
        Parameter[] parameters = Shapes(ScalarType.Float32), twins = Twins(parameters);
        using AdamW reference = optim.AdamW(twins, 0.01);
        using var fused = new FusedAdamW(parameters, 0.01) { MaxNorm = maxNorm };

        for (int step = 0; step < Steps; step++)
        {
            GiveGradients(parameters, twins);
            double norm = nn.utils.clip_grad_norm_(twins, maxNorm);
            reference.step();
            fused.step();
            Assert.Equal(norm, fused.LastTotalNorm, norm * 1e-5);
        }

        AssertEqual(reference, fused);
    }

    [Fact]
    public void Step_MaxNormWithBadGradients_IsAsBadAsClippingFirst()
    {
        foreach (float bad in new[] { float.NaN, float.PositiveInfinity })
        {
            Parameter[] parameters = [new(ones(40)), new(ones(3))], twins = Twins(parameters);
            using AdamW reference = optim.AdamW(twins, 0.01);
            using var fused = new FusedAdamW(parameters, 0.01) { MaxNorm = 1 };
            GiveGradients(parameters, twins);
            (parameters[0].grad![7], twins[0].grad![7]) = (bad, bad);
            nn.utils.clip_grad_norm_(twins, 1);
            reference.step();
            fused.step();
            Assert.All(parameters.Zip(twins), pair => Assert.Equal(pair.Second.isnan().data<bool>().ToArray(), pair.First.isnan().data<bool>().ToArray()));
        }
    }

    [Fact]
    public void Step_BackThroughAnOldGraph_IsRefusedAsAfterAnyOperationInPlace()
    {
        var weight = new Parameter(ones(3));
        using var fused = new FusedAdamW([weight]);
        Tensor loss = weight.square().sum();
        loss.backward(retain_graph: true);
        fused.step();
        Assert.Contains("modified by an inplace operation", Assert.ThrowsAny<Exception>(() => loss.backward()).Message, StringComparison.Ordinal);
        long version = AutogradVersion.Get(weight);
        AutogradVersion.RaiseByOperation(weight);
        Assert.Equal(version + 1, AutogradVersion.Get(weight));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void LoadStateDict_OfTheOtherOptimizer_GoesOnAsThatOne(bool fromFused)
    {
        Parameter[] parameters = Shapes(ScalarType.Float32), twins = Twins(parameters);
        using AdamW whole = Make(parameters, fromFused);
        using AdamW other = Make(twins, !fromFused);
        for (int step = 0; step < 3; step++)
        {
            GiveGradients(parameters, twins);
            whole.step();
        }

        other.load_state_dict(whole.state_dict());
        using (no_grad())
        {
            foreach ((Parameter from, Parameter to) in parameters.Zip(twins))
            {
                to.copy_(from);
            }
        }

        for (int step = 0; step < 3; step++)
        {
            GiveGradients(parameters, twins);
            whole.step();
            other.step();
        }

        AssertEqual(whole, other);
        Assert.All(States(other), state => Assert.Equal(6, state.step));

        static AdamW Make(Parameter[] of, bool fused) => fused ? new FusedAdamW(of, 0.01, weight_decay: 0.1) : optim.AdamW(of, 0.01, weight_decay: 0.1);
    }

    [Fact]
    public void LoadStateDict_OfAFile_GoesOnBitForBit()
    {
        // TorchSharp saves contiguous state only.
        Parameter[] parameters = [.. Shapes(ScalarType.Float32).Where(parameter => parameter.is_contiguous())], twins = Twins(parameters);
        using var whole = new FusedAdamW(parameters, 0.01);
        using var resumed = new FusedAdamW(twins, 0.5);
        GiveGradients(parameters, twins);
        whole.step();
        using (var memory = new MemoryStream())
        {
            using var writer = new BinaryWriter(memory);
            whole.save_state_dict(writer);
            memory.Position = 0;
            using var reader = new BinaryReader(memory);
            resumed.load_state_dict(reader);
        }

        using (no_grad())
        {
            foreach ((Parameter from, Parameter to) in parameters.Zip(twins))
            {
                to.copy_(from);
            }
        }

        GiveGradients(parameters, twins);
        whole.step();
        resumed.step();

        Assert.All(parameters.Zip(twins), pair => Assert.True(pair.First.equal(pair.Second).all().item<bool>()));
        Assert.All(States(resumed), state => Assert.Equal(2, state.step));
    }

    [Fact]
    public void Constructor_WhatItCannotUpdate_IsRefused()
    {
        var parameter = new Parameter(ones(3));
        AssertRefused("a parameter is BFloat16 (of shape [2]).", () => new FusedAdamW([new Parameter(ones(2, ScalarType.BFloat16))]));
        AssertRefused("a parameter is a part of other memory, with gaps (of shape [2]).", () => new FusedAdamW([new Parameter(ones(4)[TensorIndex.Slice(0, 4, 2)])]));
        AssertRefused("a parameter is in two groups (of shape [3]).", () => new FusedAdamW([new AdamW.ParamGroup { Parameters = [parameter] }, new AdamW.ParamGroup { Parameters = [parameter] }]));
        Assert.Throws<NotSupportedException>(() => new FusedAdamW([new AdamW.ParamGroup([parameter], new AdamW.Options { amsgrad = true })]));
        using var fused = new FusedAdamW([parameter]);
        Assert.Throws<ArgumentOutOfRangeException>(() => fused.MaxNorm = -1);
        Assert.Throws<ArgumentOutOfRangeException>(() => fused.MaxNorm = double.NaN);
    }

    [Fact]
    public void Step_Closure_RunsWithGradientsAndGivesTheLoss()
    {
        var parameter = new Parameter(ones(2));
        using var fused = new FusedAdamW([parameter], 0.5);
        using IDisposable noGradient = no_grad();
        using Tensor loss = fused.step(() =>
        {
            Tensor sum = (parameter * 3).sum();
            sum.backward();
            return sum;
        });
        Assert.Equal(6, loss.item<float>());
        Assert.True(parameter.allclose(tensor([0.5f, 0.5f])));
    }

    [Fact]
    public void Step_Repeated_LeavesNoTensorsBehind()
    {
        Parameter[] parameters = Shapes(ScalarType.Float32);
        using var fused = new FusedAdamW(parameters) { MaxNorm = 1, ZeroGradients = true };
        GiveGradients(parameters, Twins(parameters));
        fused.step();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        fused.step();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static void SetLearningRates(double value, params AdamW[] optimizers)
    {
        foreach (optim.ILearningRateController group in optimizers.SelectMany(optimizer => optimizer.ParamGroups))
        {
            group.LearningRate = value;
        }
    }

    private static IEnumerable<AdamW.State> States(AdamW optimizer) => optimizer.state_dict().State.Cast<AdamW.State>();

    private static void AssertEqual(AdamW expected, AdamW actual, ScalarType dtype = ScalarType.Float32)
    {
        Assert.All(expected.parameters().Zip(actual.parameters()), pair => AssertClose(pair.First, pair.Second, dtype));
        Assert.All(States(expected).Zip(States(actual)), pair =>
        {
            AssertClose(pair.First.exp_avg, pair.Second.exp_avg, dtype);
            AssertClose(pair.First.exp_avg_sq, pair.Second.exp_avg_sq, dtype);
            Assert.Equal(pair.First.step, pair.Second.step);
        });
    }

    private static void AssertClose(Tensor expected, Tensor actual, ScalarType dtype = ScalarType.Float32)
    {
        (double relative, double absolute) = dtype == ScalarType.Float64 ? (1e-13, 1e-15) : (2e-6, 1e-6);
        Assert.True(actual.allclose(expected, relative, absolute), $"differs by up to {(actual - expected).abs().sum().to(ScalarType.Float64).item<double>()}");
    }

    private static void AssertRefused(string message, Func<object> make) => Assert.StartsWith(message, Assert.Throws<ArgumentException>(make).Message, StringComparison.Ordinal);

    private Parameter[] Shapes(ScalarType dtype) =>
    [
        new(Random(64, 3, 7, 7).to(dtype)),
        new(Random(5, 6, 7, 8).to(dtype).permute(0, 3, 1, 2)), // channels last
        new(Random(64).to(dtype)),
        new(Random(1).to(dtype)),
        new(Random(33, 9).to(dtype).t()),
        new(tensor(0.5, dtype)),
        new(zeros(0, dtype)),
        new(Random(300_001).to(dtype)), // several pieces and a rest
    ];

    private static Parameter[] Twins(Parameter[] parameters) => [.. parameters.Select(parameter => new Parameter(parameter.detach().clone()))];

    private void GiveGradients(Parameter[] parameters, Parameter[] twins)
    {
        foreach ((Parameter parameter, Parameter twin) in parameters.Zip(twins))
        {
            Tensor gradient = empty_like(parameter);
            gradient.copy_(Random(parameter.shape));
            parameter.grad = gradient;
            twin.grad = gradient.clone();
        }
    }

    private Tensor Random(params long[] shape) => randn(shape, generator: _generator);

    private sealed class TiedModule : nn.Module
    {
        public TiedModule(Parameter weight)
            : base(nameof(TiedModule))
        {
            register_parameter("weight", weight);
            RegisterComponents();
        }
    }
}
