using System.Text.Json.Nodes;
using Convoy.Torch.Optim;
using Convoy.Training.Checkpoints;
using Convoy.Training.Loops;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Loops;

public sealed class ExponentialMovingAverageTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Update_ThreeTimes_IsTheClosedForm()
    {
        Linear model = Filled(1);
        using var average = new ExponentialMovingAverage(model, decay: 0.75);
        foreach (double value in (double[])[2, 6, 10])
        {
            Fill(model, value);
            average.Update();
        }

        // The first one copies: 2, then 0.75 * 2 + 0.25 * 6 = 3, then 0.75 * 3 + 0.25 * 10 = 4.75.
        Assert.Equal(3, average.Updates);
        Assert.All(average.Tensors.Values, tensor => Assert.True(tensor.eq(4.75).all().item<bool>()));
        Assert.Equal(["weight", "bias"], average.Tensors.Keys);
    }

    [Fact]
    public void Update_WithWarmup_ForgetsTheBeginningFaster()
    {
        Linear model = Filled(0);
        using var average = new ExponentialMovingAverage(model, decay: 0.6, warmup: true);
        average.Update();
        double expected = 0;
        for (int n = 1; n <= 6; n++)
        {
            Fill(model, n);
            average.Update();
            double kept = Math.Min(0.6, 1 - Math.Pow(1 + n, -2.0 / 3)); // 0.37, 0.52, 0.603 and then the decay itself
            expected = (kept * expected) + ((1 - kept) * n);
        }

        Assert.Equal(expected, average.Tensors["bias"][0].item<double>(), 1e-12);
    }

    [Fact]
    public void Swap_UntilDisposed_TheModelHasTheAverageAndThenItsOwnWeightsBitForBit()
    {
        Linear model = Filled(1);
        using var optimizer = new FusedAdamW(model.parameters(), 0.1);
        using var average = new ExponentialMovingAverage(model, decay: 0.5);
        average.Update();
        Train(model, optimizer);
        average.Update();
        byte[] own = TensorAssert.Bytes(model.weight!), averaged = TensorAssert.Bytes(average.Tensors["weight"]);
        Tensor input = ones([1, 3], ScalarType.Float64);

        using (average.Swap())
        {
            Assert.Equal(averaged, TensorAssert.Bytes(model.weight!));
            Assert.True(model.call(input).allclose(nn.functional.linear(input, average.Tensors["weight"], average.Tensors["bias"]), 1e-15));
            Assert.Throws<InvalidOperationException>(average.Swap);
            Assert.Throws<InvalidOperationException>(average.Update);
        }

        Assert.NotEqual(averaged, own);
        Assert.Equal(own, TensorAssert.Bytes(model.weight!));
        Assert.Equal(averaged, TensorAssert.Bytes(average.Tensors["weight"]));

        // Training goes on with the weights, and the average does not follow by itself.
        Train(model, optimizer);
        Assert.NotEqual(own, TensorAssert.Bytes(model.weight!));
        Assert.Equal(averaged, TensorAssert.Bytes(average.Tensors["weight"]));
    }

    [Fact]
    public void Train_WithSwapsBetween_IsBitwiseThatWithout()
    {
        Linear plain = Filled(1), swapped = Filled(1);
        using var plainOptimizer = new FusedAdamW(plain.parameters(), 0.1);
        using var optimizer = new FusedAdamW(swapped.parameters(), 0.1);
        using var average = new ExponentialMovingAverage(swapped, decay: 0.5);
        for (int step = 0; step < 4; step++)
        {
            Train(plain, plainOptimizer);
            Train(swapped, optimizer);
            average.Update();
            average.Swap().Dispose();
        }

        TensorAssert.Identical(plain.weight!, swapped.weight!);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Update_ModelWithBatchNorm_AveragesItsStatisticsIfAsked(bool useBuffers)
    {
        BatchNorm1d model = nn.BatchNorm1d(2);
        using var average = new ExponentialMovingAverage(model, decay: 0.5, useBuffers: useBuffers);
        model.running_mean!.fill_(2);
        average.Update();
        model.running_mean.fill_(4);
        average.Update();

        string[] expected = useBuffers ? ["weight", "bias", "running_mean", "running_var"] : ["weight", "bias"];
        Assert.Equal(expected, average.Tensors.Keys);
        using (average.Swap())
        {
            Assert.Equal(useBuffers ? 3 : 4, model.running_mean[0].item<float>());
        }

        Assert.Equal(4, model.running_mean[0].item<float>());
    }

    [Fact]
    public void Update_TiedWeight_HasOneAverage()
    {
        var first = nn.Linear(3, 3, hasBias: false);
        var second = nn.Linear(3, 3, hasBias: false);
        second.weight = first.weight;
        Sequential model = nn.Sequential(("first", first), ("second", second));
        using var average = new ExponentialMovingAverage(model);
        average.Update();

        Assert.Equal(["first.weight"], average.Tensors.Keys);
        using IDisposable swap = average.Swap();
        TensorAssert.Identical(first.weight!, second.weight!);
    }

    [Fact]
    public void Dispose_WhileSwapped_GivesTheWeightsBack()
    {
        Linear model = Filled(1);
        var average = new ExponentialMovingAverage(model, decay: 0.5);
        Fill(model, 3);
        average.Swap();
        Assert.Equal(1, model.bias![0].item<double>());

        average.Dispose();

        Assert.Equal(3, model.bias[0].item<double>());
    }

    [Fact]
    public void LoadState_OfAnother_GoesOnAsItWould()
    {
        Linear model = Filled(2);
        using var first = new ExponentialMovingAverage(model, decay: 0.75);
        first.Update();
        ICheckpointPart part = first;

        // With no update counted, the next one would copy the weights.
        Linear other = Filled(2);
        using var second = new ExponentialMovingAverage(other, decay: 0.75);
        ((ICheckpointPart)second).LoadState(JsonNode.Parse(part.SaveState()!.ToJsonString()));
        Fill(other, 6);
        second.Update();

        Assert.Equal((2, 3.0), (second.Updates, second.Tensors["bias"][0].item<double>()));
    }

    [Theory]
    [InlineData(-0.1)]
    [InlineData(1.1)]
    [InlineData(double.NaN)]
    public void Make_DecayOutOfRange_IsRefused(double decay) => Assert.Throws<ArgumentOutOfRangeException>(() => new ExponentialMovingAverage(Filled(1), decay));

    private static Linear Filled(double value)
    {
        Linear model = nn.Linear(3, 2, dtype: ScalarType.Float64);
        Fill(model, value);
        return model;
    }

    private static void Fill(Linear model, double value)
    {
        using IDisposable noGradient = no_grad();
        model.weight!.fill_(value);
        model.bias!.fill_(value);
    }

    private static void Train(Linear model, optim.Optimizer optimizer)
    {
        optimizer.zero_grad();
        model.call(arange(6, ScalarType.Float64).reshape(2, 3)).square().sum().backward();
        optimizer.step();
    }
}
