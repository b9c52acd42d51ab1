using System.Diagnostics;
using System.Text.Json;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Training;
using static TorchSharp.torch;

namespace Convoy.PeerComparison;

/// <summary>
/// Convoy's side of the comparison with PyTorch, which <c>benchmarks/peers/compare</c> starts: <c>prepare FOLDER SETTINGS</c> writes
/// weights and batches, <c>train FOLDER SETTINGS</c> trains on them and prints a JSON line a step and one with the ranks' peak memory and
/// what they ran with.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args is not [var verb and ("prepare" or "train" or "rank"), var path, var file])
        {
            Console.Error.WriteLine($"not a command ({string.Join(' ', args)}). Give prepare FOLDER SETTINGS or train FOLDER SETTINGS.");
            return 2;
        }

        try
        {
            var folder = new PeerFolder(path);
            PeerSettings settings = PeerSettings.Read(file);
            switch (verb)
            {
                case "prepare":
                    Preparation.Run(settings, folder);
                    return 0;
                case "train":
                    return Train(settings, path, file);
                default:
                    return Rank(settings, folder);
            }
        }
        catch (BadInputException error)
        {
            Console.Error.WriteLine(error.Message);
            return 2;
        }
    }

    private static int Train(PeerSettings settings, string path, string file)
    {
        var launcher = new Launcher(new LauncherOptions
        {
            Program = LaunchProgram.ThisProgram("rank", path, file),
            ProcessCount = settings.Processes,
            ThreadsPerProcess = settings.Threads,
        });
        return launcher.RunAsync().GetAwaiter().GetResult().ExitCode;
    }

    private static int Rank(PeerSettings settings, PeerFolder folder)
    {
        using ParentWatch? watch = ParentWatch.Start(() => Environment.Exit(1));
        set_num_threads(settings.Threads);
        KeptMemory.ReuseTensors();
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromMinutes(10));
        using var rank = new PeerRank(settings, folder, group);
        rank.Run(step => Print(group, new { step = step.Number, loss = step.Loss, step_seconds = step.Seconds, end_time = step.EndSeconds, counted = step.Counts }));

        using var scope = NewDisposeScope();
        using var process = Process.GetCurrentProcess();
        Tensor peak = tensor([process.PeakWorkingSet64]);
        group.AllReduce(peak, ReduceOp.Max);
        Print(group, new
        {
            peak_bytes = peak.item<long>(),
            memory_format = settings.ChannelsLast ? "channels_last" : "contiguous",
            fuse = settings.ToTrainingOptions().Fuse.ToString(),
            allocator = Environment.GetEnvironmentVariable("GLIBC_TUNABLES"),
        });
        return 0;
    }

    private static void Print<T>(ProcessGroup group, T line)
    {
        if (group.Rank == 0)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(line));
        }
    }
}
