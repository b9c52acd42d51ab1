namespace Convoy.Cli.Tests.Training;

/// <summary>Tables of kernels that cannot be used, as users meet them.</summary>
public sealed class KernelTableTests
{
    [Fact]
    public async Task Train_ATableThatCannotBeRead_IsOneLineAnd2AndLeavesNothing()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("convoy-test-");
        try
        {
            string table = Path.Combine(folder.FullName, "table.json"), run = Path.Combine(folder.FullName, "run");
            string[] arguments = ["train", "--data", "synthetic", "--image-size", "64x32", "--steps", "1", "--fuse", table, "--out", run];

            ProgramRun missing = await ProgramRun.ConvoyAsync(arguments);
            File.WriteAllText(table, """{"schema":1,"kernels":[{"input":[1,16,8,8],"weight":[16,16,3,3],"stride":[1,1],"padding":[1,1],"dtype":"float32","pass":"forward","kernel":"magic"}]}""");
            ProgramRun unknown = await ProgramRun.ConvoyAsync(arguments);

            Assert.Equal((2, $"convoy: error: the table of kernels cannot be read ({table}): Could not find file '{table}'. Give another file, or --fuse auto.\n"), (missing.ExitCode, missing.Error));
            Assert.Equal(2, unknown.ExitCode);
            Assert.StartsWith($"convoy: error: the table of kernels cannot be read ({table}): there is no kernel of this name (magic). There are libtorch, ", unknown.Error, StringComparison.Ordinal);
            Assert.Single(unknown.Error.TrimEnd().Split('\n'));
            Assert.False(Directory.Exists(run));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Train_ATableWithAKernelThatNoProcessorHasForIt_IsOneLineAnd2AndLeavesNothing()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("convoy-test-");
        try
        {
            // Winograd's kernel needs stride 1. Only the ranks can tell, which have libtorch.
            string table = Path.Combine(folder.FullName, "table.json"), run = Path.Combine(folder.FullName, "run");
            File.WriteAllText(table, """{"schema":1,"kernels":[{"input":[1,16,8,8],"weight":[16,16,3,3],"stride":[2,2],"padding":[1,1],"dtype":"float32","pass":"forward","kernel":"winograd"}]}""");

            ProgramRun refused = await ProgramRun.ConvoyAsync("train", "--data", "synthetic", "--image-size", "64x32", "--nproc", "1", "--batch-size", "2", "--steps", "1", "--fuse", table, "--out", run);

            string line = Assert.Single(refused.Error.TrimEnd().Split('\n'), line => line.StartsWith("convoy: error: ", StringComparison.Ordinal));
            Assert.EndsWith($"this processor lacks the kernel winograd (1x16x8x8 to 16, 3x3, stride 2, forward), which {table} names. Give --fuse auto or --fuse fixed.", line, StringComparison.Ordinal);
            Assert.Equal(2, refused.ExitCode);
            Assert.False(Directory.Exists(run));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
