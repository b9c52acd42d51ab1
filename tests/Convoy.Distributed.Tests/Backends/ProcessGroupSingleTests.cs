using Convoy.Distributed.Backends.Single;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Backends;

public sealed class ProcessGroupSingleTests : IDisposable
{
    private readonly ProcessGroupSingle _group = new();

    public void Dispose() => _group.Dispose();

    [Fact]
    public void Operations_OneRank_LeaveOrCopyTheTensor()
    {
        using var scope = NewDisposeScope();
        Tensor tensor = arange(6, float32).reshape(2, 3), output = zeros(3, 2).t();
        foreach (ReduceOp op in new[] { ReduceOp.Sum, ReduceOp.Average, ReduceOp.Product, ReduceOp.Min, ReduceOp.Max })
        {
            _group.AllReduce(tensor, op);
        }

        _group.Broadcast(tensor, 0);
        _group.AllGather([output], tensor);
        _group.Barrier();
        Assert.True(tensor.flatten().eq(arange(6, float32)).all().item<bool>());
        Assert.True(output.eq(tensor).all().item<bool>());
    }

    [Fact]
    public void AllocateBuffer_InsideAScope_OutlivesIt()
    {
        Tensor buffer;
        using (NewDisposeScope())
        {
            buffer = _group.AllocateBuffer(3, float64);
        }

        using (buffer)
        {
            Assert.Equal([0, 0, 0], buffer.data<double>().ToArray());
        }
    }

    [Fact]
    public void AllReduce_TypeDoesNotGoWithOperation_SaysSo()
    {
        using Tensor whole = ones(2, int64), half = ones(2, bfloat16), complex = ones(2, complex64);
        Assert.Contains("Average of Int64", Assert.Throws<ArgumentException>(() => _group.AllReduce(whole, ReduceOp.Average)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => _group.AllReduce(half, ReduceOp.BitwiseXor));
        Assert.Throws<ArgumentException>(() => _group.AllReduce(complex));
    }

    [Fact]
    public void Broadcast_RootOutOfRange_IsRefused()
    {
        using Tensor tensor = ones(2);
        Assert.Throws<ArgumentOutOfRangeException>(() => _group.Broadcast(tensor, 1));
    }
}
