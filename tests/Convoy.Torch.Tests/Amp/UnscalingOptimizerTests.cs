using Convoy.Torch.Amp;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Amp;

/// <summary>GradScaler with an optimizer that unscales in its own pass, against one that does not.</summary>
public sealed class UnscalingOptimizerTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    public void Step_PlantedOverflows_GivesThePlainOptimizersScalesAndWeights(double maxNorm)
    {
        Parameter[] parameters = Parameters(), twins = Parameters();
        using var fused = new FusedAdamW(parameters, 0.01, weight_decay: 0.1) { MaxNorm = maxNorm, ZeroGradients = true };
        using AdamW plain = optim.AdamW(twins, 0.01, weight_decay: 0.1);
        GradScaler scaler = Scaler(), twin = Scaler();
        for (int step = 0; step < 50; step++)
        {
            GiveGradients(parameters, step, scaler);
            GiveGradients(twins, step, twin);
            twin.Unscale(plain);
            if (maxNorm > 0)
            {
                nn.utils.clip_grad_norm_(twins, maxNorm);
            }

            bool stepped = twin.Step(plain);
            Assert.Equal(step % 7 != 3, stepped);
            Assert.Equal(stepped, scaler.Step(fused));
            Assert.All(parameters, parameter => Assert.Equal(0, parameter.grad!.abs().sum().item<float>()));
            twin.Update();
            scaler.Update();
            Assert.Equal(twin.StateDict(), scaler.StateDict());
        }

        Assert.NotEqual(Scaler().GetScale(), scaler.GetScale());
        Assert.All(parameters.Zip(twins), pair => Assert.True(pair.First.allclose(pair.Second, 2e-6, 5e-6)));
        Assert.All(States(fused).Zip(States(plain)), pair => Assert.Equal(pair.Second.step, pair.First.step));
    }

    [Theory]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.NaN)]
    public void Step_OneBadElementAnywhere_LeavesWeightsAndStateBitwiseUntouched(float bad)
    {
        Parameter[] parameters = Parameters();
        using var fused = new FusedAdamW(parameters, 0.01) { MaxNorm = 1 };
        GradScaler scaler = Scaler();
        GiveGradients(parameters, 0, scaler);
        Assert.True(scaler.Step(fused));
        scaler.Update();
        int[] before = Bits(fused);
        for (int position = 0; position < 37; position++)
        {
            GiveGradients(parameters, 0, scaler);
            parameters[1].grad![position] = bad;
            float first = parameters[0].grad![0, 0].item<float>();
            Assert.False(scaler.Step(fused));
            scaler.Update(newScale: 1024);
            Assert.Equal(before, Bits(fused));
            Assert.Equal(first, parameters[0].grad![0, 0].item<float>()); // Only who asks for it gets zeros.
        }

        GiveGradients(parameters, 0, scaler);
        Assert.True(scaler.Step(fused));
        Assert.NotEqual(before, Bits(fused));
    }

    [Fact]
    public void Step_LargeFiniteGradients_AreNoOverflow()
    {
        var weight = new Parameter(zeros(100)) { grad = full([100], float.MaxValue) };
        using var fused = new FusedAdamW([weight], 0.5) { MaxNorm = 1 };
        GradScaler scaler = Scaler();
        scaler.Scale(zeros(1));
        Assert.True(scaler.Step(fused));
        Assert.True(weight.allclose(full([100], -0.5f)));
        Assert.Equal(Math.Sqrt(100) * float.MaxValue / 1024, fused.LastTotalNorm, 1e30);
    }

    [Fact]
    public void Step_AfterUnscale_UnscalesOnce()
    {
        Parameter[] parameters = Parameters(), twins = Parameters();
        using var fused = new FusedAdamW(parameters, 0.01) { MaxNorm = 0.5 };
        using var other = new FusedAdamW(twins, 0.01) { MaxNorm = 0.5 };
        GradScaler scaler = Scaler();
        GiveGradients(parameters, 0, scaler);
        GiveGradients(twins, 0, scaler);
        scaler.Unscale(fused);
        Assert.True(scaler.Step(fused));
        Assert.True(scaler.Step(other));
        Assert.Equal(Bits(other), Bits(fused)); // The scale is a power of two.
        Assert.Equal(other.LastTotalNorm, fused.LastTotalNorm, 1e-9);
        Assert.Throws<InvalidOperationException>(() => scaler.Step(other));
    }

    [Fact]
    public void Step_NoGradients_IsRefused()
    {
        using var fused = new FusedAdamW(Parameters());
        GradScaler scaler = Scaler();
        scaler.Scale(zeros(1));
        Assert.StartsWith("No inf checks were recorded for this optimizer", Assert.Throws<InvalidOperationException>(() => scaler.Step(fused)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void LoadStateDict_InTheMiddle_ContinuesIdentically()
    {
        Parameter[] parameters = Parameters();
        using var whole = new FusedAdamW(parameters, 0.01) { MaxNorm = 0.5 };
        GradScaler scaler = Scaler();
        Run(whole, scaler, 0, 13);

        Parameter[] copies = [.. parameters.Select(parameter => new Parameter(parameter.detach().clone()))];
        using var resumed = new FusedAdamW(copies, 0.01) { MaxNorm = 0.5 };
        var resumedScaler = new GradScaler();
        resumedScaler.LoadStateDict(scaler.StateDict());
        resumed.load_state_dict(whole.state_dict());

        Run(whole, scaler, 13, 40);
        Run(resumed, resumedScaler, 13, 40);

        Assert.Equal(Bits(whole), Bits(resumed));
        Assert.Equal(scaler.StateDict(), resumedScaler.StateDict());
    }

    private static GradScaler Scaler() => new(1024, growthInterval: 5);

    private static void Run(FusedAdamW optimizer, GradScaler scaler, int from, int to)
    {
        for (int step = from; step < to; step++)
        {
            GiveGradients([.. optimizer.parameters()], step, scaler);
            scaler.Step(optimizer);
            scaler.Update();
        }
    }

    private static Parameter[] Parameters()
    {
        using var generator = new Generator(5);
        return [new(randn(9, 13, generator: generator)), new(randn(37, generator: generator)), new(randn(2, 3, 4, 5, generator: generator).permute(0, 3, 1, 2))];
    }

    // Scaled gradients of a step, the same for all; every seventh step has an infinity.
    private static void GiveGradients(Parameter[] parameters, int step, GradScaler scaler)
    {
        using var generator = new Generator((ulong)step);
        foreach (Parameter parameter in parameters)
        {
            Tensor gradient = empty_like(parameter);
            gradient.copy_(scaler.Scale(randn(parameter.shape, generator: generator)));
            parameter.grad = gradient;
        }

        if (step % 7 == 3)
        {
            parameters[1].grad![step % 37] = float.PositiveInfinity;
        }
    }

    private static IEnumerable<AdamW.State> States(AdamW optimizer) => optimizer.state_dict().State.Cast<AdamW.State>();

    private static int[] Bits(AdamW optimizer) =>
    [
        .. States(optimizer).SelectMany(state => new[] { state.exp_avg, state.exp_avg_sq, tensor((float)state.step) }).Concat(optimizer.parameters())
            .SelectMany(values => values.detach().contiguous().data<float>().ToArray()).Select(BitConverter.SingleToInt32Bits),
    ];
}
