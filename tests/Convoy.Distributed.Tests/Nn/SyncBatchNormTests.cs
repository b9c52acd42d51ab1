using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Nn;

/// <summary>What one process shows; that several equal one is in Convoy.Distributed.ParallelTests.</summary>
public sealed class SyncBatchNormTests : IDisposable
{
    private readonly ProcessGroupSingle _group = new();

    public void Dispose() => _group.Dispose();

    [Theory]
    [InlineData(ScalarType.Int32, new long[] { 2, 3, 4, 4 }, "got an input of Int32")]
    [InlineData(ScalarType.Float64, new long[] { 2, 3, 4, 4 }, "has weights of Float32 and got an input of Float64")]
    [InlineData(ScalarType.Float32, new long[] { 2, 4, 4, 4 }, "got an input [2, 4, 4, 4]. Give it [N, 3]")]
    [InlineData(ScalarType.Float32, new long[] { 3 }, "got an input [3]")]
    [InlineData(ScalarType.Float32, new long[] { 1, 3, 1 }, "needs more than 1 value a channel")]
    public void Forward_InputThatDoesNotFit_IsRefused(ScalarType type, long[] shape, string message)
    {
        using var layer = new SyncBatchNorm(3, _group);
        using Tensor input = zeros(shape, type);
        Assert.Contains(message, Assert.Throws<ArgumentException>(() => layer.call(input)).Message, StringComparison.Ordinal);
        Assert.Equal(0, layer.get_buffer("num_batches_tracked")!.item<long>());
    }

    [Fact]
    public void Forward_EvaluationOfOneValue_IsAllowed()
    {
        using var layer = new SyncBatchNorm(3, _group);
        layer.eval();
        using Tensor input = ones(1, 3), output = layer.call(input);
        Assert.Equal(1, output[0, 0].item<float>(), 1e-4);
    }

    [Fact]
    public void Forward_MomentumNull_IsTheMeanOverAllBatches()
    {
        using var scope = NewDisposeScope();
        using var layer = new SyncBatchNorm(1, _group, momentum: null);
        foreach (float value in (float[])[1, 2, 6])
        {
            layer.call(full([4, 1], value));
        }

        Assert.Equal(3, layer.get_buffer("running_mean")!.item<float>(), 1e-5);
    }

    [Fact]
    public void To_Float64_ConvertsParametersAndStatisticsAndTakesFloat64()
    {
        using var scope = NewDisposeScope();
        using var layer = new SyncBatchNorm(2, _group, momentum: null);
        layer.to(ScalarType.Float64);
        Tensor output = layer.call(randn(4, 2, dtype: float64));
        Assert.Equal(ScalarType.Float64, output.dtype);
        Assert.Equal(ScalarType.Float64, layer.get_buffer("running_mean")!.dtype);
    }
}
