using System.CommandLine;
using System.Globalization;
using Convoy.Cli.Training;
using Convoy.Cli.Tuning;
using Convoy.Lanes.Sweeps;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy tune</c>: finds the fastest configuration on this machine.</summary>
internal static class TuneCommand
{
    private const int FramesToDraw = 48;

    private static readonly string[] NotTaken = ["--steps", "--epochs", "--schedule-steps", "--val", "--val-split", "--checkpoint-every", "--keep-checkpoints"];

    // Each of these is tuned unless it is given.
    private static readonly Dictionary<string, string> Tuned = new()
    {
        ["--nproc"] = "the fastest number that divides the batch",
        ["--threads"] = "the fastest number",
        ["--precision"] = "the fastest of fp32 and, where the processor computes in it, bf16",
        ["--channels-last"] = "the faster",
        ["--workers"] = "the fastest number",
    };

    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = $"The training data in TuSimple's layout, or '{DrawnData.Name}' to draw some.", HelpName = "DIR", DefaultValueFactory = _ => DrawnData.Name };
        var budget = new Option<double>("--budget-seconds") { Description = "Time for all trials.", DefaultValueFactory = _ => 120 };
        var output = new Option<string>("--out") { Description = "The file for train --config.", HelpName = "FILE", DefaultValueFactory = _ => "tuned.json" };
        Option<bool> json = ConsoleOutput.JsonOption();
        var training = new TrainingOptionSet(new RunDefaults(MeasuredRunDefaults.Of, Tuned));
        var command = new Command(
            "tune",
            "Finds the fastest processes, threads, precision, memory format and loader threads on this machine by short trials, and writes them for train --config. An option that is given is not tuned.")
        {
            data, budget, output, json,
        };
        training.AddTo(command, NotTaken);
        command.SetAction((parsed, interrupted) =>
        {
            double seconds = parsed.GetValue(budget);
            if (!double.IsFinite(seconds) || seconds <= 0)
            {
                throw new BadInputException("not a time", seconds.ToString(CultureInfo.InvariantCulture), "Give --budget-seconds a number above 0.");
            }

            return new TuneSession(Request(parsed, training, parsed.GetRequiredValue(data), seconds, parsed.GetRequiredValue(output)), parsed.GetValue(json)).RunAsync(interrupted);
        });
        return command;
    }

    /// <summary>What the command line asks for.</summary>
    internal static TuneRequest Request(ParseResult parsed, TrainingOptionSet training, string data, double seconds, string output)
    {
        HostInfo host = HostProbe.Read();
        bool draw = data == DrawnData.Name;
        TrainingOptions settings = training.Read(parsed, training.Defaults(draw ? data : Path.GetFullPath(data), draw));
        var space = new TuningSpace
        {
            Cores = host.UsableCores,
            BatchSize = settings.BatchSize,
            Processes = TrainingOptionSet.IsGiven(parsed, "--nproc") ? settings.Nproc : null,
            Threads = TrainingOptionSet.IsGiven(parsed, "--threads") ? settings.Threads : null,
            Precisions = TrainingOptionSet.IsGiven(parsed, "--precision") ? [settings.Precision] : SweepDefaults.Precisions(host.InstructionSets),
        };
        space = TrainingOptionSet.IsGiven(parsed, "--channels-last") ? space with { ChannelsLast = [settings.ChannelsLast] } : space;
        space = TrainingOptionSet.IsGiven(parsed, "--workers") ? space with { Workers = [settings.Workers] } : space;
        return new TuneRequest(settings, space, seconds, unchecked((int)settings.Seed), output, draw ? Math.Max(FramesToDraw, settings.BatchSize) : null);
    }
}
