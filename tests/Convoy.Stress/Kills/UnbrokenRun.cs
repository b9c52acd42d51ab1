using System.Diagnostics;
using System.Security.Cryptography;
using Convoy.Metrics;

namespace Convoy.Stress.Kills;

/// <summary>What a run leaves that nobody kills: the bytes of every checkpoint, and every step's loss.</summary>
/// <param name="Processes">Its processes.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="CheckpointSeconds">How long a checkpoint's writing took.</param>
/// <param name="Checkpoints">The SHA-256 of weights and optimizer state of each checkpoint, by the folder's name.</param>
/// <param name="Losses">Each step's loss.</param>
internal sealed record UnbrokenRun(int Processes, double Seconds, double CheckpointSeconds, IReadOnlyDictionary<string, string> Checkpoints, IReadOnlyList<double> Losses)
{
    /// <summary>Steps of every run.</summary>
    public const int Steps = 6;

    private static readonly string[] Files = ["model.safetensors", "optimizer.safetensors"];

    /// <summary>Makes the run in a folder, which is empty again afterwards.</summary>
    public static async Task<UnbrokenRun> MakeAsync(string data, string folder, int processes)
    {
        string run = Path.Combine(folder, "unbroken");
        long start = Stopwatch.GetTimestamp();
        using var session = Session.Start(Session.NewRun(data, run, processes, keep: Steps), "unbroken", folder);
        var watch = new CheckpointWatch(run);
        double writing = 0;
        while (!session.HasEnded)
        {
            if (watch.IsWriting())
            {
                long began = Stopwatch.GetTimestamp();
                while (watch.IsWriting() && !session.HasEnded)
                {
                    await Task.Delay(1);
                }

                writing = Math.Max(writing, Stopwatch.GetElapsedTime(began).TotalSeconds);
            }

            await Task.Delay(1);
        }

        (int code, string _, string error) = (await session.EndAsync(TimeSpan.FromMinutes(5)))!.Value;
        if (code != 0)
        {
            throw new InvalidOperationException($"the unbroken run ended with {code}: {error}");
        }

        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var unbroken = new UnbrokenRun(
            processes,
            seconds,
            writing,
            Directory.GetDirectories(Path.Combine(run, "checkpoints")).ToDictionary(checkpoint => Path.GetFileName(checkpoint), SumOf),
            [.. StepMetricsLog.Read(Path.Combine(run, "metrics_rank0.jsonl")).Select(step => step.Loss)]);
        Directory.Delete(run, recursive: true);
        return unbroken;
    }

    /// <summary>The SHA-256 of a checkpoint's weights and optimizer state.</summary>
    public static string SumOf(string checkpoint) =>
        string.Join(' ', Files.Select(name =>
        {
            using FileStream stream = File.OpenRead(Path.Combine(checkpoint, name));
            return Convert.ToHexString(SHA256.HashData(stream));
        }));
}
