using System.Runtime.Intrinsics;
using Convoy.Torch.Convolution;
using Convoy.Torch.Nn;
using TorchSharp;

namespace Convoy.Distributed.ParallelTests;

/// <summary>Ranks that may use other instructions than rank 0, as on hosts with several kinds of processors, compute by the same kernels all the same, or say why they cannot.</summary>
public sealed class KernelsOfRanksTests : IDisposable
{
    // One that a processor without vectors of 256 bits lacks.
    private const string Wide = "winograd-256";

    private static readonly KeyValuePair<string, string>[] Without512 = [new("DOTNET_EnableAVX512", "0")], Without256 = [new("DOTNET_EnableAVX512", "0"), new("DOTNET_EnableAVX2", "0"), new("DOTNET_EnableAVX", "0")];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("convoy-test-");

    private string Table => Path.Combine(_folder.FullName, "run", "kernels.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Run_RanksOfTwoWidths_ComputeByTheKernelsThatRank0Measured()
    {
        WorkerResult[] ranks = await TrainAsync("auto", "", Without512);

        Assert.Equal(ranks[0].Output, ranks[1].Output);
        KernelChoice[] choices = [.. KernelTableFile.Parse(File.ReadAllText(Table)).Choices];
        Assert.Equal(3, choices.Length); // the first layer's input needs no gradient, and else both layers are alike
        Assert.All(choices, choice => Assert.Contains($"{choice.Key.Shape} {choice.Key.Pass}: {choice.Kernel}", ranks[1].Output, StringComparison.Ordinal));
        Assert.Equal("", ranks[0].Errors);
    }

    [Fact]
    public async Task Run_AKernelOfTheCacheThatRank1Lacks_GivesAllRanksTheFixedChoice()
    {
        RequireWide();

        WorkerResult[] ranks = await TrainAsync("auto", Wide, Without256);

        Assert.Equal(ranks[0].Output, ranks[1].Output);
        Assert.Contains(" Forward: ", ranks[0].Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Wide, ranks[0].Output, StringComparison.Ordinal);
        Assert.StartsWith("3 of 3 passes of convolutions run by the fixed choice on all ranks: rank 1's processor lacks the kernel winograd-256 (2x16x8x8 to 16, 3x3, ", ranks[0].Errors, StringComparison.Ordinal);
        Assert.Equal("", ranks[1].Errors);
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Run_AKernelOfTheRunThatRank1Lacks_IsReplacedOnAllRanks()
    {
        Repetitions.RequireAll();
        RequireWide();
        WriteTable(Table);

        WorkerResult[] ranks = await TrainAsync("auto", "", Without256);

        Assert.Equal(ranks[0].Output, ranks[1].Output);
        Assert.DoesNotContain(Wide + "\n", ranks[0].Output, StringComparison.Ordinal);
        Assert.StartsWith($"the kernels of {Table} are not taken: rank 1's processor lacks the kernel {Wide} (", ranks[0].Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_AFileWithAKernelThatRank1Lacks_IsRefusedByAllRanks()
    {
        RequireWide();
        string file = Path.Combine(_folder.FullName, "given.json");
        WriteTable(file);

        WorkerResult[] ranks = await TrainAsync(file, "", Without256);

        Assert.Equal($"rank 1's processor lacks the kernel {Wide} (2x16x8x8 to 16, 3x3, forward), which {file} names. Give --fuse auto or --fuse fixed.", ranks[0].Output.Trim());
        Assert.Equal(ranks[0].Output, ranks[1].Output);
    }

    private static void RequireWide() => Assert.SkipUnless(Vector256.IsHardwareAccelerated, "This processor has no vectors of 256 bits, so no rank has the kernel.");

    private static void WriteTable(string path)
    {
        var key = new ConvolutionKey(new ConvolutionShape(2, 16, 8, 8, 16, 3, 3, 1, 1, 1, 1), torch.ScalarType.Float32, ConvolutionPass.Forward);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, KernelTableFile.Format(new KernelTable([new KernelChoice(key, Wide)])));
    }

    private async Task<WorkerResult[]> TrainAsync(string fuse, string cached, KeyValuePair<string, string>[] ofRank1)
    {
        string run = Path.GetDirectoryName(Table)!;
        Directory.CreateDirectory(run);
        IReadOnlyList<WorkerResult> ranks = await WorkerProcesses.RunAsync(
            "KernelsOfRanks", 2, [run, fuse, cached], environment: [new("CONVOY_CACHE_DIR", Path.Combine(_folder.FullName, "cache"))], ofRank: rank => rank == 1 ? ofRank1 : []);
        Assert.All(ranks, rank => Assert.True(rank.ExitCode == 0, $"rank {rank.Rank}: {rank.Errors}"));
        return [.. ranks.OrderBy(rank => rank.Rank)];
    }
}
