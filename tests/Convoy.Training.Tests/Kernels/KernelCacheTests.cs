using Convoy.Torch.Convolution;
using Convoy.Training.Kernels;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Kernels;

public sealed class KernelCacheTests : IDisposable
{
    private static readonly KernelSurroundings Here = new("Processor", "avx2", "256 bits", "1", "1", 1, 2);

    private static readonly KernelChoice Choice = new(new ConvolutionKey(new ConvolutionShape(2, 16, 8, 8, 16, 3, 3, 1, 1, 1, 1), ScalarType.Float32, ConvolutionPass.Forward), "libtorch-contiguous");

    private readonly TemporaryFolder _folder = new();

    private string Folder => _folder.File("cache");

    [Fact]
    public void Read_WhatWasAdded_GivesItBackWithWhatWasThere()
    {
        KernelChoice other = Choice with { Key = Choice.Key with { Pass = ConvolutionPass.InputGradient } };
        Assert.Empty(new KernelCache(Folder, Here).Read().Choices);

        Assert.Null(new KernelCache(Folder, Here).Add([Choice]));
        Assert.Null(new KernelCache(Folder, Here).Add([other]));

        Assert.Equal([Choice, other], new KernelCache(Folder, Here).Read().Choices);
        Assert.Equal(1, KernelCache.CountSurroundings(Folder));
        Assert.DoesNotContain(Directory.GetFiles(Folder), file => file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public void File_OfOtherSurroundings_IsAnother()
    {
        var kept = new KernelCache(Folder, Here);
        kept.Add([Choice]);
        KernelSurroundings[] others =
        [
            Here with { Processor = "Another" }, Here with { InstructionSets = "avx2 avx512f" }, Here with { Allowed = "256 bits ONEDNN_MAX_CPU_ISA=AVX2" }, Here with { Libtorch = "2" }, Here with { Convoy = "2" },
            Here with { Threads = 2 }, Here with { Processes = 1 },
        ];

        Assert.All(others, other => Assert.Empty(new KernelCache(Folder, other).Read().Choices));
        Assert.Equal(others.Length + 1, others.Append(Here).Select(one => new KernelCache(Folder, one).File).Distinct().Count());
    }

    [Theory]
    [InlineData("{\"schema\": 1, \"kern")]
    [InlineData("")]
    [InlineData("{\"schema\":1,\"kernels\":[{\"kernel\":\"of the next version\"}]}")]
    public void Read_ADamagedFile_GivesNothingAndIsReplaced(string text)
    {
        var cache = new KernelCache(Folder, Here);
        cache.Add([Choice]);
        File.WriteAllText(cache.File!, text);

        Assert.Empty(cache.Read().Choices);
        Assert.Null(cache.Add([Choice]));
        Assert.Equal([Choice], cache.Read().Choices);
    }

    [Fact]
    public void Read_AFileCopiedFromAnotherMachine_GivesNothing()
    {
        var theirs = new KernelCache(Folder, Here with { Processor = "Another" });
        theirs.Add([Choice]);
        var own = new KernelCache(Folder, Here);

        // Under this machine's name, with the other one's description.
        File.Copy(theirs.File!, own.File!);
        File.Copy(Path.ChangeExtension(theirs.File!, ".txt"), Path.ChangeExtension(own.File!, ".txt"));

        Assert.Empty(own.Read().Choices);
    }

    [Fact]
    public void Add_WhereNothingCanBeWritten_SaysWhy()
    {
        File.WriteAllText(Folder, "a file, where the folder would be");

        Assert.NotNull(new KernelCache(Folder, Here).Add([Choice]));
        Assert.Equal("there is no home folder", new KernelCache(null, Here).Add([Choice]));
        Assert.Empty(new KernelCache(null, Here).Read().Choices);
    }

    public void Dispose() => _folder.Dispose();
}
