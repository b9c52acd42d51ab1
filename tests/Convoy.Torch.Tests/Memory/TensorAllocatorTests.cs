using System.Runtime.InteropServices;
using Convoy.Torch.Memory;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Memory;

// One class, so that its tests follow each other: the allocator is the process's.
public sealed unsafe class TensorAllocatorTests : IDisposable
{
    private const int CacheLine = 64;

    public TensorAllocatorTests()
    {
        Assert.SkipUnless(TensorAllocator.Fault is null, TensorAllocator.Fault ?? "");
        Assert.True(TensorAllocator.Install());
    }

    public void Dispose() => TensorAllocator.Uninstall();

    [Fact]
    public void Install_AndUninstall_AreSeenByLibtorch()
    {
        Assert.True(TensorAllocator.IsInstalled);
        TensorAllocator.Uninstall();
        Assert.False(TensorAllocator.IsInstalled);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(1023)]
    [InlineData(1 << 20)]
    public void Install_NewTensor_BeginsOnACacheLineAndHoldsItsValues(int count)
    {
        using var scope = NewDisposeScope();
        Tensor numbers = arange(count, ScalarType.Float32), twice = numbers * 2;

        Assert.Equal(0, (count == 0 ? 0 : Address(twice)) % CacheLine);
        Assert.Equal(Enumerable.Range(0, count).Select(number => 2f * number), twice.data<float>().ToArray());
    }

    [Fact]
    public void Install_MoreThanThereIs_IsLibtorchsError()
    {
        Assert.Contains("memory", Assert.Throws<ExternalException>(() => empty(1L << 50, ScalarType.Float32)).Message);
    }

    [Fact]
    public void Install_MorePiecesThanFit_NoneSharesMemoryWithAnother()
    {
        using var scope = NewDisposeScope();
        var random = new Random(7);
        (Tensor Tensor, float Value)[] alive = [.. Enumerable.Range(0, 200).Select(index => (full(random.Next(1, 5000), (float)index), (float)index))];
        for (int change = 0; change < 2000; change++)
        {
            int index = random.Next(alive.Length);
            alive[index].Tensor.Dispose();
            alive[index] = (full(random.Next(1, 5000), (float)change), change);
        }

        Assert.All(alive, one => Assert.True(one.Tensor.eq(one.Value).all().item<bool>()));
    }

    [Fact]
    public void Install_TensorsOfBothAllocators_OutliveTheChange()
    {
        using var scope = NewDisposeScope();
        Tensor inside = full(1000, 3f);
        TensorAllocator.Uninstall();
        Tensor outside = full(1000, 4f), sum = inside + outside;
        inside.Dispose();
        TensorAllocator.Install();
        outside.Dispose();

        Assert.Equal(7000, sum.sum().item<float>());
    }

    private static nint Address(Tensor tensor) => (nint)Interop.TensorMemory.Address(tensor);
}
