using System.CommandLine;
using System.Globalization;
using System.Runtime.Intrinsics;
using Convoy.Cli.Training;
using Convoy.Distributed.Diagnostics;
using Convoy.Lanes.Training;
using Convoy.Training;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy train</c>: trains on N processes, scores the result, and writes a run directory.</summary>
internal static class TrainCommand
{
    public static Command Create()
    {
        var data = new Option<string?>("--data") { Description = $"The training data in TuSimple's layout, or '{DrawnData.Name}' to draw some.", HelpName = "DIR" };
        var output = new Option<string?>("--out") { Description = "The run directory; absent or empty. [default: runs/train-DATE-TIME]", HelpName = "DIR" };
        var resume = new Option<string?>("--resume") { Description = "Go on with the run in this directory from its newest checkpoint that is whole, or from the one named as DIR/checkpoints/step-000120, with its own settings where no others are given.", HelpName = "DIR" };
        var config = new Option<string?>("--config") { Description = "Take settings from this JSON file, with the names of a run's config.json; options given here win. 'convoy tune' writes one.", HelpName = "FILE" };
        var restarts = new Option<int>("--max-restarts") { Description = "How often a run that failed starts again from its last checkpoint.", DefaultValueFactory = _ => 0 };
        var trace = new Option<string?>("--trace")
        {
            Description = $"Write trace.json, a time line of these steps on all processes for chrome://tracing or ui.perfetto.dev. [default without a value: {TraceSteps.Default}]",
            HelpName = "STEPS",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var training = new TrainingOptionSet(new RunDefaults(Defaults));
        var command = new Command("train", "Trains the lane detector on N processes, scores it on held-out frames, and writes a run directory.") { data, output, resume, config, restarts, trace };
        training.AddTo(command);
        command.SetAction((parsed, interrupted) =>
        {
            if (parsed.GetValue(restarts) < 0)
            {
                throw new BadInputException("not a number of restarts", parsed.GetValue(restarts).ToString(CultureInfo.InvariantCulture), "Give --max-restarts 0 or more.");
            }

            TraceSteps? steps = parsed.GetResult(trace) is null ? null : StepsOf(parsed.GetValue(trace));
            ConfigFile? settings = parsed.GetValue(config) is { } file ? ConfigFile.Read(file) : null;
            TrainingSession session = parsed.GetValue(resume) is { } earlier
                ? Resumed(parsed, training, earlier, parsed.GetValue(data), parsed.GetValue(output), settings)
                : Fresh(parsed, training, parsed.GetValue(data), parsed.GetValue(output), settings);
            return session.RunAsync(parsed.GetValue(restarts), steps, interrupted);
        });
        return command;
    }

    /// <summary>The settings of a run where the command line says nothing; 0 processes and threads stand for as many as there are cores for.</summary>
    internal static TrainingOptions Defaults(string data, bool drawn)
    {
        var defaults = new TrainingOptions
        {
            Data = data,
            Nproc = 0,
            Threads = 0,
            ChannelsLast = Vector512.IsHardwareAccelerated,
        };
        return drawn ? DrawnData.Shortened(defaults) : defaults;
    }

    private static TraceSteps StepsOf(string? text) => text is null ? TraceSteps.Default
        : TraceSteps.TryParse(text, out TraceSteps steps) ? steps
        : throw new BadInputException("not a range of steps", text, $"Give --trace a step or a range such as {TraceSteps.Default}, counted from the start of this session.");

    private static TrainingSession Fresh(ParseResult parsed, TrainingOptionSet training, string? data, string? output, ConfigFile? settings)
    {
        data ??= settings?.Data;
        if (data is null)
        {
            throw new BadInputException("no data to train on", "--data is missing", $"Give --data DIR, or --data {DrawnData.Name} to draw some.");
        }

        bool draw = data == DrawnData.Name;
        string name = string.Create(CultureInfo.InvariantCulture, $"train-{TimeProvider.System.GetLocalNow():yyyyMMdd-HHmmss}");
        var run = new RunDirectory(output ?? Path.Combine("runs", name));
        TrainingOptions defaults = training.Defaults(draw ? run.SyntheticData : Path.GetFullPath(data), draw);
        return new TrainingSession(run, training.Read(parsed, settings?.Onto(defaults) ?? defaults), draw, resumed: null);
    }

    private static TrainingSession Resumed(ParseResult parsed, TrainingOptionSet training, string directory, string? data, string? output, ConfigFile? settings)
    {
        if (output is not null)
        {
            throw new BadInputException("--out and --resume both name a run directory", output, "Give --resume alone; the run goes on where it is.");
        }

        var resumed = ResumedRun.Of(directory);
        RunDirectory run = resumed.Run;
        TrainingOptions earlier = run.ReadConfig();
        data ??= settings?.Data;
        earlier = settings?.Onto(earlier) ?? earlier;
        if (data == DrawnData.Name && earlier.Data != run.SyntheticData)
        {
            throw new BadInputException("the run was on other data than drawn roads", earlier.Data, "Leave --data out to go on with it, or start a new run.");
        }

        if (data is not null and not DrawnData.Name)
        {
            earlier = earlier with { Data = Path.GetFullPath(data) };
        }

        // A run that was killed while its data was being drawn has none yet.
        bool draw = earlier.Data == run.SyntheticData && !Directory.Exists(run.SyntheticData);
        return new TrainingSession(run, training.Read(parsed, earlier), draw, resumed);
    }
}
