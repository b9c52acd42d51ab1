using System.CommandLine;
using System.Globalization;
using Convoy.Cli.Benchmarks.Loading;
using Convoy.Cli.Training;
using Convoy.Distributed.Launch;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Lanes.Training;
using Convoy.Training;
using Convoy.Training.Programs;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy bench loader</c>: the loader's strategies beside each other.</summary>
internal static class BenchLoaderCommand
{
    private const int DrawnFrames = 32;

    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = $"A folder in TuSimple's layout, or '{DrawnData.Name}' to draw {DrawnFrames} frames.", DefaultValueFactory = _ => DrawnData.Name, HelpName = "DIR" };
        var imageSize = new Option<string>("--image-size") { Description = "The size that the network sees.", DefaultValueFactory = _ => ImageSize.Network.ToString() };
        var batchSize = new Option<int>("--batch-size") { Description = "Frames of a batch, in one process.", DefaultValueFactory = _ => 4 };
        var workers = new Option<int>("--workers") { Description = "Loader threads of the strategies that prefetch.", DefaultValueFactory = _ => 4 };
        var threads = new Option<int>("--threads") { Description = "Threads of the computation beside. [default: every core, where loading has the least room]", DefaultValueFactory = _ => Environment.ProcessorCount };
        var channelsLast = new Option<bool>("--channels-last") { Description = "Images with their channels innermost, true or false.", DefaultValueFactory = _ => true };
        var seconds = new Option<double>("--seconds") { Description = "How long to measure each strategy in each round.", DefaultValueFactory = _ => 1 };
        var step = new Option<double>("--step-seconds") { Description = "The computation of a batch.", DefaultValueFactory = _ => 0.25 };
        var repeats = new Option<int>("--repeats") { Description = "Rounds over all strategies.", DefaultValueFactory = _ => 3 };
        Option<bool> json = ConsoleOutput.JsonOption();
        var command = new Command("loader", "Measures the loader's strategies: direct, prefetched, memory-mapped, alone and beside a computation.")
        {
            data, imageSize, batchSize, workers, threads, channelsLast, seconds, step, repeats, json,
        };
        command.SetAction((parsed, interrupted) => Task.FromResult(Run(
            parsed.GetRequiredValue(data),
            new LoaderSettings(
                ImageSize.Parse(parsed.GetRequiredValue(imageSize)),
                parsed.GetValue(batchSize),
                parsed.GetValue(workers),
                parsed.GetValue(threads),
                parsed.GetValue(channelsLast),
                parsed.GetValue(seconds),
                parsed.GetValue(step),
                parsed.GetValue(repeats)),
            parsed.GetValue(json),
            interrupted)));
        return command;
    }

    private static int Run(string data, LoaderSettings settings, bool json, CancellationToken interrupted)
    {
        settings.Check();
        LaneDataset? given = data == DrawnData.Name ? null : LaneDataset.Open(data);
        DirectoryInfo folder = TemporaryFolder.Create("convoy-bench-loader-", ConsoleOutput.Notice);
        try
        {
            LaneDataset dataset = given ?? Draw(Path.Combine(folder.FullName, "data"), interrupted);
            var benchmark = new LoaderBenchmark(settings, dataset, Path.Combine(folder.FullName, "cache")) { OnRound = Announce };
            LoaderReport report = benchmark.Run(interrupted);
            if (json)
            {
                ConsoleOutput.Json(report);
            }
            else
            {
                LoaderTable.Print(report, ConsoleOutput.People());
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        return ExitCodes.Done;
    }

    private static LaneDataset Draw(string folder, CancellationToken interrupted)
    {
        SyntheticDataset.Write(folder, new SyntheticOptions { Frames = DrawnFrames }, cancellation: interrupted);
        return LaneDataset.Open(folder);
    }

    private static void Announce(int round, int rounds) => Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"round {round} of {rounds}"));
}
