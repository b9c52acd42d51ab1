using Convoy.Torch.Amp;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Amp;

public sealed class GradientUnscalingTests : IDisposable
{
    private const float Inverse = 1f / 3000.7f;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Generator _generator = new(5);

    public void Dispose()
    {
        _generator.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.BFloat16)]
    public void Run_AnyLength_GivesWhatTheOperationsGive(ScalarType dtype)
    {
        Parameter[] parameters = [.. new long[] { 1, 7, 31, 32, 33, 64, 257, 300_000 }.Select(length => WithGradient(Random(dtype, length)))];
        Tensor[] expected = [.. parameters.Select(parameter => parameter.grad!.mul(Inverse))];

        Assert.Equal((true, false), GradientUnscaling.Run(parameters, Inverse));

        Assert.All(parameters.Zip(expected), pair => Assert.True(pair.First.grad!.equal(pair.Second).all().item<bool>()));
    }

    [Theory]
    [InlineData(ScalarType.Float32, double.NaN)]
    [InlineData(ScalarType.Float32, double.PositiveInfinity)]
    [InlineData(ScalarType.Float64, double.NegativeInfinity)]
    [InlineData(ScalarType.BFloat16, double.NaN)]
    [InlineData(ScalarType.BFloat16, double.NegativeInfinity)]
    public void Run_OneBadElementAnywhere_FindsItAndMultipliesTheOthers(ScalarType dtype, double bad)
    {
        for (long position = 0; position < 70; position++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor gradient = Random(dtype, 70);
            gradient[position] = bad;
            Tensor expected = gradient.mul(Inverse);
            Parameter parameter = WithGradient(gradient);

            Assert.Equal((true, true), GradientUnscaling.Run([parameter], Inverse));

            // NaN is not equal to itself; the others must be.
            Assert.True(nan_to_num(parameter.grad!).equal(nan_to_num(expected)).all().item<bool>());
        }
    }

    [Fact]
    public void Run_LargeFiniteElements_AreFinite()
    {
        Parameter parameter = WithGradient(full([64], float.MaxValue));
        Assert.Equal((true, false), GradientUnscaling.Run([parameter], 0.5f));
        Assert.Equal((true, false), GradientUnscaling.Run([WithGradient(full([64], -float.Epsilon))], 0.5f));
    }

    [Fact]
    public void Run_OtherLayouts_GivesWhatTheOperationsGive()
    {
        Tensor channelsLast = Random(ScalarType.Float32, 4, 5, 6, 7).permute(0, 3, 1, 2);
        Tensor strided = Random(ScalarType.Float32, 8, 20)[TensorIndex.Colon, TensorIndex.Slice(0, 20, 2)];
        Tensor whole = strided.clone();
        Parameter[] parameters = [WithGradient(channelsLast), WithGradient(strided), WithGradient(zeros(0))];
        Tensor expected = channelsLast.mul(Inverse);

        Assert.Equal((true, false), GradientUnscaling.Run(parameters, Inverse));

        Assert.True(parameters[0].grad!.equal(expected).all().item<bool>());
        Assert.True(parameters[1].grad!.equal(whole.mul(Inverse)).all().item<bool>());
        parameters[1].grad![3, 4] = float.NaN;
        Assert.Equal((true, true), GradientUnscaling.Run(parameters, 1));
    }

    [Fact]
    public void Run_GradientThatIsAView_LeavesItsNeighboursAlone()
    {
        Tensor memory = ones(100);
        Parameter parameter = WithGradient(memory.narrow(0, 3, 41));
        GradientUnscaling.Run([parameter], 0.5f);
        Assert.Equal(100 - 20.5, memory.sum().item<float>());
        Assert.True(memory.narrow(0, 3, 41).eq(0.5f).all().item<bool>());
    }

    [Fact]
    public void Run_SeveralThreads_GivesTheSame()
    {
        int threads = get_num_threads();
        set_num_threads(3);
        try
        {
            Run_AnyLength_GivesWhatTheOperationsGive(ScalarType.Float32);
            Run_OneBadElementAnywhere_FindsItAndMultipliesTheOthers(ScalarType.BFloat16, double.NaN);
        }
        finally
        {
            set_num_threads(threads);
        }
    }

    [Fact]
    public void Run_NoGradients_SaysSo() => Assert.Equal((false, false), GradientUnscaling.Run([new Parameter(ones(3))], Inverse));

    [Fact]
    public void Run_Twice_LeavesNoTensorsBehind()
    {
        Parameter parameter = WithGradient(ones(5));
        GradientUnscaling.Run([parameter], 1);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        GradientUnscaling.Run([parameter], 1);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private Tensor Random(ScalarType dtype, params long[] shape) => (randn(shape, float32, generator: _generator) * 1000).to(dtype);

    private static Parameter WithGradient(Tensor gradient) => new(zeros_like(gradient)) { grad = gradient };
}
