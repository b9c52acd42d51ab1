using Convoy.Torch.Amp;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Amp;

public sealed class GradScalerTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Parameter _first = new(tensor([1f, 2f, 3f]));
    private readonly Parameter _second = new(tensor([4f, 5f]));
    private readonly AdamW _optimizer;
    private readonly GradScaler _scaler = new(initScale: 1024);

    public GradScalerTests()
    {
        _optimizer = optim.AdamW([_first, _second], lr: 0.1);
        _scaler.Scale(zeros(1));
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Defaults_AreThoseOfPyTorch()
    {
        var scaler = new GradScaler();
        Assert.Equal((65536, 2, 0.5, 2000, 0, true), (scaler.GetScale(), scaler.GrowthFactor, scaler.BackoffFactor, scaler.GrowthInterval, scaler.GrowthTracker, scaler.IsEnabled));
        Assert.Equal(
            new Dictionary<string, double> { ["scale"] = 65536, ["growth_factor"] = 2, ["backoff_factor"] = 0.5, ["growth_interval"] = 2000, ["_growth_tracker"] = 0 },
            scaler.StateDict());
    }

    [Fact]
    public void Scale_OfLosses_MultipliesAndKeepsHistoryAndType()
    {
        IReadOnlyList<Tensor> scaled = _scaler.Scale([_first.sum(), tensor(0.5, ScalarType.BFloat16)]);
        Assert.Equal(6144, scaled[0].item<float>());
        Assert.Equal(ScalarType.BFloat16, scaled[1].dtype);
        Assert.Equal(512, scaled[1].to(ScalarType.Float32).item<float>());
        scaled[0].backward();
        Assert.Equal([1024, 1024, 1024], _first.grad!.data<float>().ToArray());
    }

    [Fact]
    public void Step_FiniteGradients_IsTheOptimizersOwnStep()
    {
        var unscaled = new Parameter(tensor([1f, 2f, 3f]));
        using AdamW reference = optim.AdamW([unscaled], lr: 0.1);
        using AdamW optimizer = optim.AdamW([_first], lr: 0.1);
        for (int step = 0; step < 3; step++)
        {
            unscaled.grad = tensor([0.25f, -1f, 3f]);
            reference.step();
            _first.grad = tensor([0.25f, -1f, 3f]) * 1024;
            Assert.True(_scaler.Step(optimizer));
            _scaler.Update();
        }

        Assert.Equal(unscaled.data<float>().ToArray(), _first.data<float>().ToArray());
    }

    [Theory]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    [InlineData(float.NaN)]
    public void Step_OneBadElement_LeavesWeightsAndOptimizerStateBitwiseUntouched(float bad)
    {
        GiveGradients(1);
        Assert.True(_scaler.Step(_optimizer));
        _scaler.Update();
        long[] before = Bits();

        GiveGradients(bad);
        Assert.False(_scaler.Step(_optimizer));
        _scaler.Update();

        Assert.Equal(before, Bits());
        Assert.Equal((512, 0), (_scaler.GetScale(), _scaler.GrowthTracker));
        GiveGradients(1);
        Assert.True(_scaler.Step(_optimizer));
        Assert.NotEqual(before, Bits());
    }

    [Fact]
    public void Step_SeveralOptimizers_SkipsTheBadOneAndBacksOffOnce()
    {
        using SGD first = optim.SGD([_first], 1), second = optim.SGD([_second], 1);
        _first.grad = tensor([1024f, 0, 0]);
        _second.grad = tensor([0, float.NaN]);
        _scaler.Unscale(first);
        Assert.True(_scaler.Step(first));
        Assert.False(_scaler.Step(second));
        _scaler.Update();
        Assert.Equal([0, 2, 3], _first.data<float>().ToArray());
        Assert.Equal([4, 5], _second.data<float>().ToArray());
        Assert.Equal(512, _scaler.GetScale());
    }

    [Fact]
    public void Step_AfterUnscaleAndClipping_UsesTheClippedGradients()
    {
        using SGD optimizer = optim.SGD([_first], 1);
        _first.grad = tensor([3f, 4f, 0]) * 1024;
        _scaler.Unscale(optimizer);
        nn.utils.clip_grad_norm_([_first], 1);
        _scaler.Step(optimizer);
        Assert.True(_first.allclose(tensor([0.4f, 1.2f, 3])));
    }

    [Fact]
    public void Unscale_TwiceOrAfterStep_IsRefusedUntilUpdate()
    {
        GiveGradients(1);
        _scaler.Unscale(_optimizer);
        AssertRefused("Unscale has already been called for this optimizer since the last Update.", () => _scaler.Unscale(_optimizer));
        _scaler.Step(_optimizer);
        AssertRefused("Unscale is called after Step.", () => _scaler.Unscale(_optimizer));
        AssertRefused("Step has already been called for this optimizer since the last Update.", () => _scaler.Step(_optimizer));
        _scaler.Update();
        _scaler.Unscale(_optimizer);
    }

    [Fact]
    public void Update_WithoutACheck_IsRefusedUnlessTheScaleIsGiven()
    {
        AssertRefused("No inf checks were recorded prior to Update.", () => _scaler.Update());
        _scaler.Update(newScale: 8);
        Assert.Equal(8, _scaler.GetScale());
        Assert.Throws<ArgumentOutOfRangeException>("scale", () => _scaler.Update(double.NaN));
    }

    [Fact]
    public void AnyCall_BeforeScale_IsRefused()
    {
        var scaler = new GradScaler();
        GiveGradients(1);
        AssertRefused("Unscale is called before anything was scaled.", () => scaler.Unscale(_optimizer));
        AssertRefused("Step is called before anything was scaled.", () => scaler.Step(_optimizer));
        AssertRefused("Update is called before anything was scaled.", () => scaler.Update());
    }

    [Fact]
    public void Step_NoGradients_IsRefused()
    {
        AssertRefused("No inf checks were recorded for this optimizer", () => _scaler.Step(_optimizer));
        AssertRefused("No inf checks were recorded prior to Update.", () => _scaler.Update());
    }

    [Fact]
    public void Unscale_Float16Gradients_IsRefusedAndChangesNothing()
    {
        var half = new Parameter(ones(2, ScalarType.Float16));
        using SGD optimizer = optim.SGD([_first, half], 1);
        _first.grad = ones(3);
        half.grad = ones(2, ScalarType.Float16);
        AssertRefused("attempting to unscale FP16 gradients (of shape [2]).", () => _scaler.Unscale(optimizer));
        Assert.Equal([1, 1, 1], _first.grad!.data<float>().ToArray());
    }

    [Fact]
    public void Disabled_PassesThrough()
    {
        var scaler = new GradScaler(enabled: false);
        using SGD optimizer = optim.SGD([_first], 1);
        Tensor loss = _first.sum();
        Tensor[] losses = [loss];
        Assert.Same(loss, scaler.Scale(loss));
        Assert.Same(losses, scaler.Scale(losses));
        _first.grad = tensor([1f, float.NaN, 1]);
        scaler.Unscale(optimizer);
        Assert.True(scaler.Step(optimizer));
        Assert.True(scaler.Step(optimizer));
        scaler.Update();
        Assert.Equal([-1, float.NaN, 1], _first.data<float>().ToArray());
        Assert.Equal(1, scaler.GetScale());
        Assert.Empty(scaler.StateDict());
        scaler.LoadStateDict(new Dictionary<string, double>());
    }

    [Fact]
    public void LoadStateDict_InTheMiddle_ContinuesIdentically()
    {
        bool[] overflows = [.. Enumerable.Range(0, 40).Select(i => i % 11 == 5)];
        var whole = new GradScaler(3000.7, 1.7, 0.3, 4);
        double[] expected = Run(whole, overflows);

        var start = new GradScaler(3000.7, 1.7, 0.3, 4);
        double[] before = Run(start, overflows[..18]);
        var resumed = new GradScaler();
        resumed.LoadStateDict(start.StateDict());
        Assert.Equal(start.StateDict(), resumed.StateDict());
        Assert.NotEqual(0, resumed.GrowthTracker);

        Assert.Equal(expected, before.Concat(Run(resumed, overflows[18..])));
        Assert.Equal(whole.StateDict(), resumed.StateDict());
    }

    [Fact]
    public void LoadStateDict_WrongState_IsRefusedAndChangesNothing()
    {
        Dictionary<string, double> before = _scaler.StateDict(), bad = new(before) { ["growth_interval"] = 0.5 };
        AssertRefused("the scaler's state is empty", () => _scaler.LoadStateDict(new GradScaler(enabled: false).StateDict()));
        Assert.Contains("growth_interval 0.5", Assert.Throws<ArgumentException>(() => _scaler.LoadStateDict(bad)).Message, StringComparison.Ordinal);
        bad.Remove("scale");
        Assert.Contains("has no scale", Assert.Throws<ArgumentException>(() => _scaler.LoadStateDict(bad)).Message, StringComparison.Ordinal);
        Assert.Equal(before, _scaler.StateDict());
    }

    [Fact]
    public void Constructor_ValuesOutOfRange_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>("scale", () => new GradScaler(initScale: 0));
        Assert.Throws<ArgumentOutOfRangeException>("scale", () => new GradScaler(initScale: 1e39));
        Assert.Throws<ArgumentOutOfRangeException>("GrowthFactor", () => new GradScaler(growthFactor: 1));
        Assert.Throws<ArgumentOutOfRangeException>("BackoffFactor", () => new GradScaler(backoffFactor: 1));
        Assert.Throws<ArgumentOutOfRangeException>("GrowthInterval", () => new GradScaler(growthInterval: 0));
    }

    // The scale after each update, with a gradient that overflows where it says.
    private static double[] Run(GradScaler scaler, bool[] overflows)
    {
        var weight = new Parameter(zeros(1));
        using SGD optimizer = optim.SGD([weight], 1);
        scaler.Scale(zeros(1));
        return [.. overflows.Select(overflow =>
        {
            weight.grad = tensor([overflow ? float.PositiveInfinity : 1]);
            scaler.Step(optimizer);
            scaler.Update();
            return scaler.GetScale();
        })];
    }

    private void GiveGradients(float element)
    {
        _first.grad = tensor([1024f, 2048f, -1024f]);
        _second.grad = tensor([512f, element]);
    }

    private long[] Bits()
    {
        IEnumerable<Tensor> tensors = _optimizer.state_dict().State.Cast<AdamW.State>().SelectMany(state => new[] { state.exp_avg, state.exp_avg_sq, tensor((float)state.step) });
        return [.. tensors.Concat([_first, _second]).SelectMany(values => values.data<float>().ToArray()).Select(value => (long)BitConverter.SingleToInt32Bits(value))];
    }

    private static void AssertRefused(string message, Action action) =>
        Assert.StartsWith(message, Assert.Throws<InvalidOperationException>(action).Message, StringComparison.Ordinal);
}
