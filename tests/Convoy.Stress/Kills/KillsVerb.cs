using System.Diagnostics;
using System.Globalization;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;

namespace Convoy.Stress.Kills;

/// <summary>
/// <c>kills</c>: training runs of a few seconds are killed at random moments and resumed, until as many kills as asked for have met a
/// living run. Every run must end with the bytes of the run that nobody killed.
/// </summary>
internal static class KillsVerb
{
    /// <summary>Runs the verb.</summary>
    /// <returns>The program's exit code: 1 when anything was not as it must be.</returns>
    public static async Task<int> RunAsync(string[] arguments)
    {
        if (KillsOptions.Parse(arguments) is not { } options)
        {
            Console.Error.WriteLine($"Usage: Convoy.Stress {KillsOptions.Usage}");
            return 2;
        }

        string folder = Directory.CreateTempSubdirectory("convoy-kills-").FullName;
        try
        {
            return await RunAsync(options, folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<int> RunAsync(KillsOptions options, string folder)
    {
        string data = Path.Combine(folder, "data");
        SyntheticDataset.Write(data, new SyntheticOptions { Frames = 24, Size = new ImageSize(192, 108) });
        var unbroken = new List<UnbrokenRun>();
        foreach (int processes in options.Processes)
        {
            unbroken.Add(await UnbrokenRun.MakeAsync(data, folder, processes));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"unbroken run on {processes} processes: {unbroken[^1].Seconds:0.0} s, a checkpoint {unbroken[^1].CheckpointSeconds:0.000} s"));
        }

        long start = Stopwatch.GetTimestamp();
        int kills = 0, inCheckpoints = 0, resumes = 0, trials = 0, failed = 0;
        for (; kills < options.Count; trials++)
        {
            int seed = options.Seed + trials;
            string own = Directory.CreateDirectory(Path.Combine(folder, "trial")).FullName;
            UnbrokenRun expected = unbroken[seed % unbroken.Count];
            var trial = new KillTrial(seed, expected, data, own, options.AimCheckpoints);
            IReadOnlyList<string> problems = await trial.RunAsync();
            (kills, inCheckpoints, resumes) = (kills + trial.Kills, inCheckpoints + trial.KillsInCheckpoints, resumes + trial.Resumes);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kills}/{options.Count}  seed {seed}, {expected.Processes} processes: {string.Join("; ", trial.Story)}"));
            if (problems.Count > 0)
            {
                failed++;
                foreach (string problem in problems)
                {
                    Console.WriteLine($"  FAILED, seed {seed}: {problem}");
                }
            }

            Directory.Delete(own, recursive: true);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{kills} kills ({inCheckpoints} in a checkpoint's writing) of {trials} runs, {resumes} resumes, {failed} runs failed, {Stopwatch.GetElapsedTime(start).TotalMinutes:0.0} min"));
        return failed == 0 ? 0 : 1;
    }
}
