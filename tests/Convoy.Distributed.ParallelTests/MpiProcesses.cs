using System.Diagnostics;
using System.Globalization;

namespace Convoy.Distributed.ParallelTests;

/// <summary>How a job of an MPI launcher ended.</summary>
internal sealed record MpiResult(int ExitCode, string Output, TimeSpan Took);

/// <summary>Runs scenarios of the worker program under an MPI library's own launcher.</summary>
internal static class MpiProcesses
{
    public const string OpenMpi = "openmpi";

    public const string Mpich = "mpich";

    private const string MarkVariable = "CONVOY_TEST_MARK";

    private static readonly string Worker = Path.Combine(AppContext.BaseDirectory, "Convoy.Distributed.ParallelTests.Worker.dll");
    private static readonly string Dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    /// <summary>Skips the test where the library is not installed.</summary>
    public static void RequireInstalled(string library) =>
        Assert.SkipUnless(Launcher(library) is not null, $"{library} is not installed (Debian: {(library == OpenMpi ? "openmpi-bin" : "mpich")})");

    /// <summary>Runs scenarios one after the other in the same processes, and requires all to succeed.</summary>
    /// <param name="library">The MPI library.</param>
    /// <param name="ranks">How many ranks.</param>
    /// <param name="scenarios">Each with its arguments, separated by spaces.</param>
    public static async Task RequireSuccessAsync(string library, int ranks, params string[] scenarios)
    {
        MpiResult result = await RunAsync(library, ranks, ["sequence", .. string.Join(" + ", scenarios).Split(' ')], limit: TimeSpan.FromMinutes(4));
        Assert.True(result.ExitCode == 0, $"{library}, {ranks} ranks, exit code {result.ExitCode} after {result.Took.TotalSeconds:0} s: {result.Output}");
    }

    /// <summary>Runs the worker program on each rank, and requires that nothing is left of it.</summary>
    public static async Task<MpiResult> RunAsync(
        string library, int ranks, string[] arguments, string[]? launcherArguments = null, TimeSpan? limit = null, params KeyValuePair<string, string>[] environment)
    {
        RequireInstalled(library);
        string mark = Guid.NewGuid().ToString("N");
        var start = new ProcessStartInfo(
            Launcher(library)!,
            [.. library == OpenMpi ? (string[])["--allow-run-as-root", "--oversubscribe"] : [], .. launcherArguments ?? [], "-n", ranks.ToString(CultureInfo.InvariantCulture), Dotnet, "exec", Worker, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["CONVOY_BACKEND"] = "mpi";
        start.Environment[MarkVariable] = mark;
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        long began = Stopwatch.GetTimestamp();
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        using var end = new CancellationTokenSource(limit ?? TimeSpan.FromSeconds(80));
        bool ended = true;
        try
        {
            await process.WaitForExitAsync(end.Token);
        }
        catch (OperationCanceledException)
        {
            ended = false;
            process.Kill(entireProcessTree: true);
            EndMarked(mark);
        }

        TimeSpan took = Stopwatch.GetElapsedTime(began);
        string text = await output + await errors;
        Assert.True(ended, $"{library} did not end within {took.TotalSeconds:0} s: {text}");
        await RequireNothingLeftAsync(mark);
        return new MpiResult(process.ExitCode, text, took);
    }

    private static string? Launcher(string library) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Select(folder => Path.Combine(folder, $"mpirun.{library}")).FirstOrDefault(File.Exists);

    // A rank that outlives its launcher, whoever its parent is by then.
    private static int[] Marked(string mark)
    {
        if (!OperatingSystem.IsLinux())
        {
            return [];
        }

        var marked = new List<int>();
        foreach (string folder in Directory.GetDirectories("/proc"))
        {
            try
            {
                if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out int process)
                    && File.ReadAllText(Path.Combine(folder, "environ")).Contains(mark, StringComparison.Ordinal))
                {
                    marked.Add(process);
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is somebody else's.
            }
        }

        return [.. marked];
    }

    private static void EndMarked(string mark)
    {
        foreach (int process in Marked(mark))
        {
            try
            {
                using var left = Process.GetProcessById(process);
                left.Kill();
            }
            catch (ArgumentException)
            {
                // It ended meanwhile.
            }
        }
    }

    private static async Task RequireNothingLeftAsync(string mark)
    {
        int[] left = Marked(mark);
        for (int i = 0; i < 100 && left.Length > 0; i++)
        {
            await Task.Delay(100);
            left = Marked(mark);
        }

        EndMarked(mark);
        Assert.Empty(left);
    }
}
