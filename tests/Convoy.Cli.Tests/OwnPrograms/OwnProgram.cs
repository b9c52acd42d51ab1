using System.Diagnostics;
using Convoy.Training.Workers;

namespace Convoy.Cli.Tests.OwnPrograms;

/// <summary>The samples, as their users start them: by themselves, or after <c>--</c> of a verb of convoy.</summary>
internal static class OwnProgram
{
    /// <summary>A picture classifier with batch norm and dropout.</summary>
    public static readonly string[] Shapes = ["dotnet", Path.Combine(AppContext.BaseDirectory, "OwnModel.dll"), "--pictures", "128"];

    /// <summary>A model with two inputs, and an optimizer and a schedule of its own.</summary>
    public static readonly string[] Pairs = ["dotnet", Path.Combine(AppContext.BaseDirectory, "TwoInputs.dll"), "--noise", "0.3"];

    /// <summary>A sample's words by its name.</summary>
    public static string[] Words(string name) => name == nameof(Shapes) ? Shapes : Pairs;

    /// <summary>Runs a program by itself.</summary>
    public static Task<ProgramRun> RunAsync(string[] words, params string[] more) => ProgramRun.StartAsync(words[0], [.. words[1..], .. more]);

    /// <summary>Starts convoy and gives its process once <paramref name="file"/> exists.</summary>
    public static async Task<Process> StartAndWaitForAsync(string file, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "convoy.dll"), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["OMP_NUM_THREADS"] = "1";
        Process process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            limit.CancelAfter(TimeSpan.FromMinutes(3));
            while (!Path.Exists(file))
            {
                Assert.False(process.HasExited, "the run ended early");
                await Task.Delay(20, limit.Token);
            }

            return process;
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            throw;
        }
    }

    /// <summary>Kills convoy and the workers of the run in <paramref name="folder"/>, so that none of them can do anything more, and waits for their ends.</summary>
    public static async Task KillAllAsync(Process convoy, string folder)
    {
        foreach (int process in (int[])[convoy.Id, .. Processes(folder)])
        {
            Training.TrainingFixture.Signal(process, "KILL");
        }

        await convoy.WaitForExitAsync(TestContext.Current.CancellationToken);
        while (Processes(folder).Any())
        {
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The processes that work on the run in <paramref name="folder"/>.</summary>
    public static IEnumerable<int> Processes(string folder)
    {
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(name => int.TryParse(Path.GetFileName(name), out _)))
        {
            string[] environment = [];
            try
            {
                environment = File.ReadAllText(Path.Combine(process, "environ")).Split('\0');
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is another user's.
            }

            if (environment.Contains($"{WorkerRole.FolderVariable}={folder}"))
            {
                yield return int.Parse(Path.GetFileName(process), System.Globalization.CultureInfo.InvariantCulture);
            }
        }
    }
}
