using System.CommandLine;
using System.Globalization;
using System.Runtime.Intrinsics;
using Convoy.Cli.Benchmarks.Steps;
using Convoy.Cli.Training;
using Convoy.Lanes.Data;
using Convoy.Lanes.Training;
using Convoy.Training;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy bench step</c>: the time of a training step on made-up images, several configurations in turn.</summary>
internal static class BenchStepCommand
{
    private const string Together = "Lists are separated by commas; every combination is measured.";

    public static Command Create()
    {
        var processes = new Option<string>("--nproc") { Description = $"Processes. {Together}", DefaultValueFactory = _ => "1", HelpName = "LIST" };
        var threads = new Option<string>("--threads") { Description = "libtorch's threads in each process, or auto for cores / processes.", DefaultValueFactory = _ => "auto" };
        var precisions = new Option<string>("--precision") { Description = "fp32, bf16, fp16.", DefaultValueFactory = _ => "fp32", HelpName = "LIST" };
        var layouts = new Option<string?>("--channels-last") { Description = "true, false. [default: true on processors with AVX-512]", HelpName = "LIST" };
        var fusions = new Option<string>("--fuse") { Description = "all, none, or names joined by +, such as norm+loss.", DefaultValueFactory = _ => "all", HelpName = "LIST" };
        var encoder = new Option<string>("--encoder") { Description = "The encoder: resnet18 or resnet34.", DefaultValueFactory = _ => "resnet18" };
        var batchSize = new Option<int>("--batch-size") { Description = "Images of one step, over all processes.", DefaultValueFactory = _ => 8 };
        var imageSize = new Option<string>("--image-size") { Description = "The size that the network sees.", DefaultValueFactory = _ => ImageSize.Network.ToString() };
        var accumulate = new Option<int>("--accumulate") { Description = "Steps whose gradients make one update.", DefaultValueFactory = _ => 2 };
        var steps = new Option<int>("--steps") { Description = "Steps to measure in each run; a multiple of --accumulate.", DefaultValueFactory = _ => 6 };
        var warmUp = new Option<int>("--warmup") { Description = "Steps before those, not measured; a multiple of --accumulate.", DefaultValueFactory = _ => 2 };
        var repeats = new Option<int>("--repeats") { Description = "Runs of each configuration; the configurations take turns.", DefaultValueFactory = _ => 3 };
        var profile = new Option<bool>("--profile") { Description = "Run each configuration once more and show where the time goes, layer by layer." };
        Option<bool> json = ConsoleOutput.JsonOption();
        var command = new Command("step", "Measures training steps of the lane detector on made-up images, beside what the machine's matrix products allow.")
        {
            processes, threads, precisions, layouts, fusions, encoder, batchSize, imageSize, accumulate, steps, warmUp, repeats, profile, json,
        };
        command.SetAction((parsed, interrupted) =>
        {
            int perUpdate = parsed.GetValue(accumulate);
            RequireMultiple("--steps", parsed.GetValue(steps), perUpdate);
            RequireMultiple("--warmup", parsed.GetValue(warmUp), perUpdate);
            if (parsed.GetValue(repeats) < 1)
            {
                throw new BadInputException("not a number of runs", parsed.GetValue(repeats).ToString(CultureInfo.InvariantCulture), "Give --repeats 1 or more.");
            }

            TrainingOptions shared = new()
            {
                Data = string.Empty,
                Nproc = 1,
                Threads = 1,
                Encoder = TrainingOptionSet.EncoderNamed(parsed.GetRequiredValue(encoder)),
                BatchSize = parsed.GetValue(batchSize),
                ImageSize = ImageSize.Parse(parsed.GetRequiredValue(imageSize)),
                Accumulate = perUpdate,
                Steps = parsed.GetValue(warmUp) + parsed.GetValue(steps),
                KeepCheckpoints = 0,
            };
            TrainingOptions[] configurations =
            [
                .. from nproc in List(parsed.GetRequiredValue(processes))
                   from precision in List(parsed.GetRequiredValue(precisions))
                   from layout in List(parsed.GetValue(layouts) ?? Vector512.IsHardwareAccelerated.ToString())
                   from fuse in List(parsed.GetRequiredValue(fusions))
                   let count = ProcessesOf(nproc)
                   select shared with
                   {
                       Nproc = count,
                       Threads = ThreadsOf(parsed.GetRequiredValue(threads), count),
                       Precision = PrecisionNames.Parse(precision),
                       ChannelsLast = LayoutOf(layout),
                       Fuse = TrainingOptionSet.FusionsNamed(fuse.Replace('+', ',')),
                   },
            ];
            foreach (TrainingOptions options in configurations)
            {
                options.Validate();
            }

            return RunAsync(configurations, new StepBenchmark(parsed.GetValue(warmUp), parsed.GetValue(repeats), parsed.GetValue(profile)) { OnRun = Announce }, parsed.GetValue(json), interrupted);
        });
        return command;
    }

    private static async Task<int> RunAsync(TrainingOptions[] configurations, StepBenchmark benchmark, bool json, CancellationToken interrupted)
    {
        StepReport report = await benchmark.RunAsync(configurations, interrupted);
        if (json)
        {
            ConsoleOutput.Json(report);
        }
        else
        {
            StepTable.Print(report, ConsoleOutput.People());
        }

        return ExitCodes.Done;
    }

    private static void Announce(int run, int runs, StepConfiguration configuration) =>
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"run {run} of {runs}: {StepTable.Name(configuration)}"));

    private static string[] List(string text) => text.Split(',', StringSplitOptions.TrimEntries);

    private static int ProcessesOf(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int processes)
        ? processes
        : throw new BadInputException("not a number of processes", text, "Give --nproc 1 or more, several separated by commas.");

    private static int ThreadsOf(string text, int processes) => text == "auto"
        ? Math.Max(1, Environment.ProcessorCount / Math.Max(1, processes))
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int threads)
            ? threads
            : throw new BadInputException("not a number of threads", text, "Give --threads 1 or more, or auto.");

    private static bool LayoutOf(string text) => bool.TryParse(text, out bool channelsLast)
        ? channelsLast
        : throw new BadInputException("neither true nor false", text, "Give --channels-last true, false, or both separated by a comma.");

    private static void RequireMultiple(string option, int steps, int accumulate)
    {
        if (accumulate < 1 || steps < 1 || steps % accumulate != 0)
        {
            throw new BadInputException(
                $"{option} is not a number of whole updates",
                string.Create(CultureInfo.InvariantCulture, $"{steps} steps, {accumulate} steps an update"),
                string.Create(CultureInfo.InvariantCulture, $"Give {option} a multiple of --accumulate, at least {Math.Max(1, accumulate)}."));
        }
    }
}
