using System.Diagnostics;
using Convoy.Distributed.Backends.Single;
using Convoy.Distributed.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Diagnostics;

public sealed class ProcessGroupSlowedTests : IDisposable
{
    // One gigabit per second carries 125 bytes a microsecond.
    private readonly ProcessGroupSlowed _group = new(new ProcessGroupSingle(), TimeSpan.FromMilliseconds(2), 1);

    public void Dispose() => _group.Dispose();

    [Theory]
    [InlineData(OperationKind.Barrier, 4, 2)]
    [InlineData(OperationKind.AllReduce, 4, 2 + (8 * 1.5))]
    [InlineData(OperationKind.ReduceScatter, 4, 2 + (8 * 3))]
    [InlineData(OperationKind.Broadcast, 4, 2 + 8)]
    [InlineData(OperationKind.AllToAll, 4, 2 + (8 * 0.75))]
    [InlineData(OperationKind.AllReduce, 1, 0)]
    [InlineData(OperationKind.AllocateBuffer, 4, 0)]
    public void Duration_OfAMegabyte_IsThatOfARing(OperationKind kind, int size, double milliseconds)
    {
        Operation operation = kind == OperationKind.Barrier ? new Operation(kind) : new Operation(kind, ScalarType.Float32, [250, 1000]);
        Assert.Equal(milliseconds, _group.Duration(operation, size).TotalMilliseconds, 6);
    }

    [Fact]
    public void Dispose_GroupInside_GoesWithIt()
    {
        var inner = new ProcessGroupSingle();
        new ProcessGroupSlowed(inner, TimeSpan.Zero, double.PositiveInfinity).Dispose();
        Assert.Throws<ObjectDisposedException>(inner.Barrier);
    }

    [Fact]
    public void Operations_OfTheGroupInside_GoThrough()
    {
        using Tensor input = ones(3), output = zeros(3);
        _group.AllGather([output], input);
        Assert.True(output.eq(input).all().item<bool>());
        Assert.Equal(("default", 1, 0), (_group.Name, _group.Size, _group.Rank));
        using ProcessGroup part = _group.NewGroup([0])!;
        Assert.IsType<ProcessGroupSlowed>(part);
        Assert.Equal("default/1", part.Name);
        using Tensor buffer = _group.AllocateBuffer(5, float64);
        Assert.Equal([5], buffer.shape);
    }
}
