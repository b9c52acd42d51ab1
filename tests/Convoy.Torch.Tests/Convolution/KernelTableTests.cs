using Convoy.Torch.Convolution;
using static TorchSharp.torch;

namespace Convoy.Torch.Tests.Convolution;

public sealed class KernelTableTests
{
    private const string Libtorch = "libtorch", Winograd = "winograd", Contiguous = "libtorch-contiguous";

    private static readonly ConvolutionKey Key = new(new ConvolutionShape(8, 32, 16, 16, 32, 3, 3, 1, 1, 1, 1), ScalarType.Float32, ConvolutionPass.Forward);

    [Fact]
    public void Find_ALaterChoiceOfAKey_Counts()
    {
        KernelTable table = new KernelTable([new KernelChoice(Key, Libtorch)]).With([new KernelChoice(Key, Contiguous)]);

        Assert.Equal(Contiguous, table.Find(Key)?.Kernel);
        Assert.Single(table.Choices);
        Assert.Null(table.Find(Key with { Pass = ConvolutionPass.InputGradient }));
    }

    [Fact]
    public void NameOf_ABatchThatIsNotInTheTable_IsTheNearestOnes()
    {
        var table = new KernelTable([new KernelChoice(Batch(4), Contiguous), new KernelChoice(Batch(8), Libtorch)]);

        Assert.Equal([Contiguous, Contiguous, Libtorch, Libtorch], ((int[])[1, 5, 7, 100]).Select(size => table.NameOf(Batch(size))));
    }

    [Fact]
    public void NameOf_AnotherLayer_IsTheFixedChoice()
    {
        var table = new KernelTable([new KernelChoice(Key, Contiguous)]);
        ConvolutionKey pointwise = Key with { Shape = Key.Shape with { KernelHeight = 1, KernelWidth = 1, PaddingHeight = 0, PaddingWidth = 0 } };

        Assert.Equal(Libtorch, table.NameOf(pointwise));
        Assert.Equal(KernelTable.Fixed.NameOf(Key with { Dtype = ScalarType.BFloat16 }), table.NameOf(Key with { Dtype = ScalarType.BFloat16 }));
    }

    [Fact]
    public void Unsupported_AKernelThatCannotComputeThePass_IsListedAndNotUsed()
    {
        ConvolutionKey strided = Key with { Shape = Key.Shape with { StrideHeight = 2, StrideWidth = 2 } };
        var choice = new KernelChoice(strided, Winograd);
        var table = new KernelTable([choice, new KernelChoice(Key, Winograd)]);

        Assert.Equal([choice], table.Unsupported);
        Assert.Equal(KernelTable.Fixed.NameOf(strided), table.NameOf(strided));
    }

    [Fact]
    public void Make_AnUnknownName_IsRefused()
    {
        ArgumentException error = Assert.Throws<ArgumentException>(() => new KernelTable([new KernelChoice(Key, "magic")]));

        Assert.StartsWith("there is no kernel of this name (magic). There are libtorch, ", error.Message, StringComparison.Ordinal);
    }

    private static ConvolutionKey Batch(int size) => Key with { Shape = Key.Shape with { Batch = size } };
}
