using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Cli.Benchmarks.Steps;
using Convoy.Cli.Training;
using Convoy.Lanes.Training;
using Convoy.Training.Options;
using Convoy.Training.Programs;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy bench step</c>: the time of a training step on made-up images, several configurations in turn.</summary>
internal static class BenchStepCommand
{
    private const string Together = "Lists are separated by commas; every combination is measured.";

    public static Command Create(TaskChoice choice)
    {
        var processes = new Option<string>("--nproc") { Description = $"Processes. {Together}", DefaultValueFactory = _ => "1", HelpName = "LIST" };
        var threads = new Option<string>("--threads") { Description = "libtorch's threads in each process, or auto for cores / processes.", DefaultValueFactory = _ => "auto" };
        var precisions = new Option<string>("--precision") { Description = "fp32, bf16, fp16.", DefaultValueFactory = _ => "fp32", HelpName = "LIST" };
        var layouts = new Option<string>("--channels-last") { Description = "true, false.", DefaultValueFactory = _ => "true", HelpName = "LIST" };
        var fusions = new Option<string>("--fuse") { Description = "auto, fixed, none, names joined by +, such as norm+loss, or a file of kernels.", DefaultValueFactory = _ => "auto", HelpName = "LIST" };
        var steps = new Option<int>("--steps") { Description = "Steps to measure in each run; a multiple of --accumulate.", DefaultValueFactory = _ => 6 };
        var warmUp = new Option<int>("--warmup") { Description = "Steps before those, not measured; a multiple of --accumulate.", DefaultValueFactory = _ => 2 };
        var repeats = new Option<int>("--repeats") { Description = "Runs of each configuration; the configurations take turns.", DefaultValueFactory = _ => 3 };
        var profile = new Option<bool>("--profile") { Description = "Run each configuration once more and show where the time goes, layer by layer, and what computes each convolution." };
        var copies = new Option<int>("--copies") { Description = "Rounds in which each configuration of N processes is set beside N independent copies of one, by turns of some updates, in one more run; 0 for none.", DefaultValueFactory = _ => 0, HelpName = "ROUNDS" };
        var pin = new Option<bool>("--pin") { Description = "Give each process cores of its own, as 'convoy launch --pin' does." };
        Option<bool> json = ConsoleOutput.JsonOption();
        string[] measured = ["encoder", "image_size", "batch_size", "accumulate", "sync_bn"];
        var settings = new SettingOptions(VerbDefaults.Steps, [.. LaneOptions.Table.Rows.Concat(TrainingOptions.Table.Rows).Select(row => row.Setting).Except(measured)]);
        var command = new Command("step", $"Measures training steps of the lane detector on made-up images, beside what the machine's arithmetic allows. {TaskChoice.Help} It is measured on its first batch.")
        {
            processes, threads, precisions, layouts, fusions, steps, warmUp, repeats, profile, copies, pin, json,
        };
        settings.AddTo(command);
        command.SetAction(async (parsed, interrupted) =>
        {
            if (choice.IsOwn)
            {
                settings.RequireNoneOfLanes(parsed);
            }

            TaskProgram task = choice.IsOwn ? await TaskChoice.OwnAsync(choice.Words, interrupted) : TaskChoice.Lanes(1);
            RunConfiguration start = choice.IsOwn ? TaskChoice.Defaults(task) : VerbDefaults.Steps.Configuration(string.Empty, drawn: false);
            start = start.With(settings.Read(parsed));
            int perUpdate = start.Training.Accumulate;
            RequireMultiple("--steps", parsed.GetValue(steps), perUpdate);
            RequireMultiple("--warmup", parsed.GetValue(warmUp), perUpdate);
            if (parsed.GetValue(repeats) < 1)
            {
                throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--repeats must be at least 1 (got {parsed.GetValue(repeats)})."));
            }

            RunConfiguration[] configurations =
            [
                .. from nproc in List(parsed.GetRequiredValue(processes))
                   from precision in List(parsed.GetRequiredValue(precisions))
                   from layout in List(parsed.GetRequiredValue(layouts))
                   from fuse in List(parsed.GetRequiredValue(fusions))
                   let resolved = start.With(Given(nproc, parsed.GetRequiredValue(threads), precision, layout, fuse)).Resolve(Environment.ProcessorCount)
                   select resolved with { Training = resolved.Training with { Steps = parsed.GetValue(warmUp) + parsed.GetValue(steps), KeepCheckpoints = 0 } },
            ];
            Array.ForEach(configurations, configuration => TaskProgram.CheckKernels(configuration.Training));
            if (parsed.GetValue(copies) < 0)
            {
                throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--copies must be at least 0 (got {parsed.GetValue(copies)})."));
            }

            if (parsed.GetValue(copies) > 0 && configurations.All(configuration => configuration.Training.Nproc == 1))
            {
                throw new BadInputException("--copies compares several processes with copies of one", $"--nproc {parsed.GetValue(processes)}", "Give --nproc 2 or more, or leave --copies out.");
            }

            var benchmark = new StepBenchmark(task, parsed.GetValue(warmUp), parsed.GetValue(repeats), parsed.GetValue(profile), parsed.GetValue(copies), parsed.GetValue(pin)) { OnRun = Announce };
            StepReport report = await benchmark.RunAsync(configurations, interrupted);
            if (parsed.GetValue(json))
            {
                ConsoleOutput.Json(report);
            }
            else
            {
                StepTable.Print(report, ConsoleOutput.People());
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static JsonObject Given(string nproc, string threads, string precision, string layout, string fuse)
    {
        (string Setting, string Text)[] values = [("nproc", nproc), ("threads", threads), ("precision", precision), ("channels_last", layout), ("fuse", fuse)];
        return new JsonObject(values.Select(value => KeyValuePair.Create(value.Setting, TrainingOptions.Table.Find(value.Setting)!.Parse(value.Text))));
    }

    private static void Announce(int run, int runs, StepConfiguration configuration) =>
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"run {run} of {runs}: {StepTable.Name(configuration)}"));

    private static string[] List(string text) => text.Split(',', StringSplitOptions.TrimEntries);

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
