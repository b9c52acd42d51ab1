using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Convoy.Cli.Tests.Training;
using Convoy.Training.Checkpoints;

namespace Convoy.Cli.Tests.OwnPrograms;

/// <summary>A program with a training loop of its own, under <c>convoy launch</c> and by itself.</summary>
public sealed partial class OwnLoopTests : IDisposable
{
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "OwnLoop.dll");

    private readonly string _root = Directory.CreateTempSubdirectory("convoy-loop-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Run_OneProcessAndTwo_LearnAlike()
    {
        ProgramRun one = await ProgramRun.StartAsync("dotnet", [Program, Path.Combine(_root, "one"), "8", "99"]), two = await LaunchAsync("two", 8);

        Assert.True(one.ExitCode == 0, one.Error);
        Assert.True(two.ExitCode == 0, two.Error);
        double[] losses = Values(one, "loss"), losses2 = Values(two, "loss");
        Assert.Equal((8, 8), (losses.Length, losses2.Length));

        // Later ones differ by what AdamW makes of rounding; in float64 they are compared where the pieces are tested.
        Assert.Equal(losses[0], losses2[0], 5e-3);
        Assert.All((double[])[.. Values(one, "accuracy")[^3..], .. Values(two, "accuracy")[^3..]], accuracy => Assert.True(accuracy > 0.6, "it does not learn"));
        Assert.Equal([7, 8], new CheckpointStore(Path.Combine(_root, "two")).All().Select(entry => entry.Step).TakeLast(2));
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Run_AccuracyIsNoBetter_StopsAndStaysStopped()
    {
        Repetitions.RequireAll();
        ProgramRun run = await LaunchAsync("run", 100, patience: 1);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.EndsWith(", no better for a while: done", run.Output.TrimEnd(), StringComparison.Ordinal);
        double[] accuracies = Values(run, "accuracy");
        Assert.True(accuracies.Length < 100 && accuracies[^1] <= accuracies[..^1].Max());

        ProgramRun again = await LaunchAsync("run", 100, patience: 1);
        Assert.Equal((0, string.Empty), (again.ExitCode, again.Output));
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData("KILL")]
    [InlineData("INT")]
    public async Task Run_KilledOrInterrupted_EndsAsTheUnbrokenRunBitForBit(string signal)
    {
        Repetitions.RequireAllUnless(signal == "KILL");
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs SIGKILL and /proc.");
        string killed = Path.Combine(_root, "killed"), whole = Path.Combine(_root, "whole");
        using (Process convoy = await OwnProgram.StartAndWaitForAsync(Path.Combine(killed, "step-000003"), Launch("killed", 100_000, 100_000)))
        {
            int[] workers = [.. Workers(killed)];
            foreach (int process in (int[])[convoy.Id, .. signal == "KILL" ? workers : []])
            {
                TrainingFixture.Signal(process, signal);
            }

            await convoy.WaitForExitAsync(TestContext.Current.CancellationToken);
            while (Workers(killed).Any())
            {
                await Task.Delay(20, TestContext.Current.CancellationToken);
            }

            Assert.Equal((2, signal == "KILL" ? 137 : 130), (workers.Length, convoy.ExitCode));
        }

        int epochs = (int)new CheckpointStore(killed).All()[^1].Step + 3;
        ProgramRun resumed = await LaunchAsync("killed", epochs, 100_000), unbroken = await LaunchAsync("whole", epochs, 100_000);

        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.True(unbroken.ExitCode == 0, unbroken.Error);
        Assert.Equal(3, Values(resumed, "loss").Length);
        Assert.EndsWith(resumed.Output, unbroken.Output, StringComparison.Ordinal);
        string[] files = ["model.safetensors", "optimizer.safetensors", "average.safetensors", "random.safetensors"];
        Assert.All(files, file => Assert.True(File.ReadAllBytes(Newest(whole, file)).AsSpan().SequenceEqual(File.ReadAllBytes(Newest(killed, file))), file));
        Assert.Equal(State(whole), State(killed));
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(killed), entry => Path.GetFileName(entry).StartsWith('.'));
    }

    [Fact]
    public async Task Run_NewestCheckpointIsDamaged_GoesOnFromTheOneBeforeAndSaysSo()
    {
        string folder = Path.Combine(_root, "run");
        ProgramRun first = await LaunchAsync("run", 3);
        Assert.True(first.ExitCode == 0, first.Error);
        using (FileStream weights = File.Open(Newest(folder, "model.safetensors"), FileMode.Open))
        {
            weights.SetLength(weights.Length - 1);
        }

        ProgramRun second = await LaunchAsync("run", 3);

        Assert.True(second.ExitCode == 0, second.Error);
        Assert.EndsWith(second.Output, first.Output, StringComparison.Ordinal);
        Assert.Single(Values(second, "loss"));
        Assert.Contains("step-000003 is passed over: model.safetensors is not as it was written", second.Error, StringComparison.Ordinal);
        Assert.True(Directory.Exists(Path.Combine(folder, "step-000003.set-aside")));
    }

    [Fact]
    public async Task Run_FolderCannotBeWritten_EndsWithTheFaultOnEveryRank()
    {
        await File.WriteAllTextAsync(Path.Combine(_root, "file"), "x", TestContext.Current.CancellationToken);

        ProgramRun run = await LaunchAsync(Path.Combine("file", "run"), 2);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("file", run.Error, StringComparison.Ordinal);
    }

    private static string Newest(string folder, string file) => Path.Combine(Checkpoint.Find(folder).Folder, file);

    private static string State(string folder) => Checkpoint.Find(folder).State.Task!.ToJsonString();

    private static double[] Values(ProgramRun run, string name) =>
        [.. Value().Matches(run.Output).Where(match => match.Groups[1].Value == name).Select(match => double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture))];

    private static IEnumerable<int> Workers(string folder)
    {
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(name => int.TryParse(Path.GetFileName(name), out _)))
        {
            string[] words = [];
            try
            {
                words = File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0');
            }
            catch (IOException)
            {
                // It ended meanwhile.
            }

            // Not the launcher, which has the program's words behind its own.
            if (words is [_, var program, var own, ..] && program == Program && own == folder)
            {
                yield return int.Parse(Path.GetFileName(process), CultureInfo.InvariantCulture);
            }
        }
    }

    private Task<ProgramRun> LaunchAsync(string name, int epochs, int patience = 99) => ProgramRun.ConvoyAsync(Launch(name, epochs, patience));

    private string[] Launch(string name, int epochs, int patience) =>
        ["launch", "--nproc", "2", "--", "dotnet", Program, Path.Combine(_root, name), epochs.ToString(CultureInfo.InvariantCulture), patience.ToString(CultureInfo.InvariantCulture)];

    [GeneratedRegex(@"(loss|accuracy) ([\d.]+)")]
    private static partial Regex Value();
}
