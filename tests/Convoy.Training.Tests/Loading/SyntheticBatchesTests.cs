using Convoy.Training.Loading;

namespace Convoy.Training.Tests.Loading;

public sealed class SyntheticBatchesTests
{
    [Fact]
    public void Epoch_AnyIndices_GivesWholeBatchesOnly()
    {
        using var memory = new MemoryStream();
        using var batches = new SyntheticBatches<TensorBatch>(9, 2, indices => new TensorBatch([.. indices]), memory);

        int[][] seen = [.. batches.Epoch([8, 7, 6, 5, 4, 3, 2], epoch: 0, firstBatch: 1, TestContext.Current.CancellationToken).Select(batch => batch.Indices.ToArray())];
        batches.Dispose();

        Assert.Equal([[6, 5], [4, 3]], seen);
        Assert.False(memory.CanRead);
        Assert.Throws<ArgumentOutOfRangeException>(() => new SyntheticBatches<TensorBatch>(0, 2, indices => new TensorBatch(indices)));
    }
}
