using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Convoy.Metrics;
using Convoy.Training.Workers;

namespace Convoy.Cli.Tests.Training;

/// <summary>Drawn frames, a finished run on one process, and how a run is started; made once for the tests of a class.</summary>
public sealed class TrainingFixture(FinishedRun finished) : IAsyncLifetime
{
    internal const string DataName = "data";
    internal const string OneProcessName = "one-process";

    /// <summary>Frames of the drawn data: three steps of eight an epoch, so that step 10 lies within one.</summary>
    public const int Frames = 24;

    private static readonly string[] Small =
    [
        "--image-size", "96x64", "--val-split", "0", "--threads", "1", "--batch-size", "8", "--workers", "1", "--no-scale-lr", "--timeout", "60", "--fuse", "fixed",
    ];

    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> _shared = new(StringComparer.Ordinal);

    public string Root { get; } = Directory.CreateTempSubdirectory("convoy-train-").FullName;

    public string Data => At(DataName);

    /// <summary>The run directory of ten steps on one process.</summary>
    public string OneProcess => At(OneProcessName);

    public string At(string name) => Path.Combine(Root, name);

    /// <summary>The command line of a small run.</summary>
    public string[] Arguments(string output, int processes, params string[] more) => Arguments(Data, output, processes, more);

    internal static string[] Arguments(string data, string output, int processes, params string[] more) =>
        ["train", "--data", data, "--out", output, "--nproc", processes.ToString(CultureInfo.InvariantCulture), .. Small, .. more];

    /// <summary>Trains into <c>ROOT/name</c> and expects success.</summary>
    internal async Task<string> TrainAsync(string name, int processes, params string[] more)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(Arguments(At(name), processes, more));
        Assert.True(run.ExitCode == 0, $"exit code {run.ExitCode}: {run.Error}{run.Output}");
        return At(name);
    }

    public async ValueTask InitializeAsync() => await finished.CopyToAsync(Root);

    /// <summary>A finished run of so many steps, which several tests read and none changes.</summary>
    internal Task<string> SharedAsync(int processes, int steps) => _shared.GetOrAdd(
        string.Create(CultureInfo.InvariantCulture, $"shared-{processes}-{steps}"),
        name => new Lazy<Task<string>>(() => TrainAsync(name, processes, "--steps", steps.ToString(CultureInfo.InvariantCulture)))).Value;

    public ValueTask DisposeAsync()
    {
        Directory.Delete(Root, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>A file of a run's newest checkpoint.</summary>
    internal static string CheckpointFile(string run, string name = "model.safetensors") =>
        Path.Combine(Directory.GetDirectories(Path.Combine(run, "checkpoints")).Order(StringComparer.Ordinal).Last(), name);

    internal static IReadOnlyList<StepMetrics> Steps(string run, int rank = 0) =>
        StepMetricsLog.Read(Path.Combine(run, string.Create(CultureInfo.InvariantCulture, $"metrics_rank{rank}.jsonl")));

    /// <summary>Every file below a folder with its bytes' fingerprint, to see that nothing changed.</summary>
    internal static string[] Snapshot(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(file => $"{file} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)))}")];

    /// <summary>Starts a run and gives the program's process once rank 0 has taken <paramref name="steps"/> steps.</summary>
    internal async Task<Process> StartAndWaitForStepAsync(string output, int processes, int steps, params string[] more)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "convoy.dll"), .. Arguments(output, processes, more)])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OMP_NUM_THREADS"] = "1";
        Process process = Process.Start(start)!;
        string log = Path.Combine(output, "metrics_rank0.jsonl");
        try
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            while (!File.Exists(log) || (await File.ReadAllLinesAsync(log, limit.Token)).Length < steps)
            {
                Assert.False(process.HasExited, "the run ended early");
                await Task.Delay(50, limit.Token);
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

    /// <summary>The worker processes of the run in <paramref name="output"/>, with the rank of each.</summary>
    internal static IReadOnlyDictionary<int, int> Workers(string output)
    {
        var workers = new Dictionary<int, int>();
        foreach (string folder in Directory.EnumerateDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)))
        {
            try
            {
                string[] environment = File.ReadAllText(Path.Combine(folder, "environ")).Split('\0');
                if (environment.Contains($"{WorkerRole.Variable}={WorkerRole.Train}") && environment.Contains($"{WorkerRole.FolderVariable}={output}"))
                {
                    string rank = environment.Single(variable => variable.StartsWith("RANK=", StringComparison.Ordinal));
                    workers.Add(int.Parse(rank[5..], CultureInfo.InvariantCulture), int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture));
                }
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is another user's.
            }
        }

        return workers;
    }

    internal static void Signal(int process, string signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", process.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    internal static JsonElement Json(string path)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        return document.RootElement.Clone();
    }
}
