using Convoy.Training.Loading;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Loading;

public sealed class TensorBatchesTests
{
    [Theory]
    [InlineData(false, 0, new[] { 2, 2, 1 })]
    [InlineData(true, 0, new[] { 2, 2 })]
    [InlineData(false, 2, new[] { 1 })]
    public void Epoch_TwoTensors_GivesTheirRowsInOrder(bool dropLast, int firstBatch, int[] sizes)
    {
        using var scope = NewDisposeScope();
        Tensor images = arange(24, float32).reshape(6, 2, 2);
        Tensor labels = tensor(new long[] { 10, 11, 12, 13, 14, 15 });
        using var batches = new TensorBatches(batchSize: 2, dropLast, images, labels);
        int[] order = [5, 0, 0, 3, 2];
        var seen = new List<int>();
        foreach (TensorBatch batch in batches.Epoch(order, epoch: 0, firstBatch, TestContext.Current.CancellationToken))
        {
            using TensorBatch taken = batch;
            seen.AddRange(taken.Indices);
            Assert.Equal([taken.Indices.Count, 2, 2], taken[0].shape);
            Assert.Equal(taken.Indices.SelectMany(index => Enumerable.Range(4 * index, 4)).Select(value => (float)value), taken[0].data<float>().ToArray());
            Assert.Equal(taken.Indices.Select(index => 10L + index), taken.Tensors[1].data<long>().ToArray());
        }

        Assert.Equal((6, 2), (batches.SampleCount, batches.BatchSize));
        Assert.Equal(order.Skip(2 * firstBatch).Take(sizes.Sum()), seen);
    }

    [Fact]
    public void Epoch_Disposed_FreesTheBatchAndKeepsTheSamples()
    {
        using Tensor samples = ones(4, 3);
        using var batches = new TensorBatches(4, dropLast: false, samples);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (var scope = NewDisposeScope())
        {
            TensorBatch batch = batches.Epoch([0, 1, 2, 3], 0, cancellation: TestContext.Current.CancellationToken).Single();
            scope.Dispose();
            Assert.Equal(12, batch[0].NumberOfElements); // it belongs to no dispose scope
            batch.Dispose();
        }

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.False(samples.IsInvalid);
    }

    [Fact]
    public void Constructor_TensorsOfDifferentLengths_IsRefused()
    {
        using Tensor four = ones(4, 3), three = ones(3), scalar = ones([]);

        Assert.Throws<ArgumentException>(() => new TensorBatches(2, false));
        Assert.Throws<ArgumentException>(() => new TensorBatches(2, false, four, three));
        Assert.Throws<ArgumentException>(() => new TensorBatches(2, false, scalar));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TensorBatches(0, false, four));
    }
}
