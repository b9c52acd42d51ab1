using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Cli.Training;
using Convoy.Distributed.Diagnostics;
using Convoy.Lanes.Training;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Runs;
using Spectre.Console;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy train</c>: trains on N processes, scores the result, and writes a run directory.</summary>
internal static class TrainCommand
{
    public static Command Create(TaskChoice choice, LaunchedJob? job = null)
    {
        var output = new Option<string?>("--out") { Description = "The run directory; absent or empty. [default: runs/train-DATE-TIME]", HelpName = "DIR" };
        var data = new Option<string?>("--data") { Description = $"The training data in TuSimple's layout, or '{DrawnData.Name}' to draw some.", HelpName = "DIR" };
        var resume = new Option<string?>("--resume") { Description = "Go on with the run in this directory from its newest checkpoint that is whole, or from the one named as DIR/checkpoints/step-000120, with its own settings where no others are given.", HelpName = "DIR" };
        var config = new Option<string?>("--config") { Description = "Take settings from this JSON file, with the names of a run's config.json; options given here win. 'convoy tune' writes one.", HelpName = "FILE" };
        var restarts = new Option<int>("--max-restarts") { Description = "How often a run that failed starts again from its last checkpoint.", DefaultValueFactory = _ => 0 };
        var trace = new Option<string?>("--trace")
        {
            Description = $"Write trace.json, a time line of these steps on all processes for chrome://tracing or ui.perfetto.dev. [default without a value: {TraceSteps.Default}]",
            HelpName = "STEPS",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var settings = new SettingOptions(VerbDefaults.Train, ["data"]);
        var command = new Command("train", $"Trains the lane detector on N processes, scores it on held-out frames, and writes a run directory. {TaskChoice.Help}") { data, output, resume, config, restarts, trace };
        settings.AddTo(command);
        command.SetAction(async (parsed, interrupted) =>
        {
            if (parsed.GetValue(restarts) < 0)
            {
                throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--max-restarts must be at least 0 (got {parsed.GetValue(restarts)})."));
            }

            TraceSteps? steps = parsed.GetResult(trace) is null ? null : StepsOf(parsed.GetValue(trace));
            var request = new Request(parsed.GetValue(data), parsed.GetValue(config) is { } file ? ConfigFile.Read(file) : null, settings.Read(parsed), job);
            string? folder = parsed.GetValue(output), earlier = parsed.GetValue(resume);
            (RunDirectory run, ResumedRun? resumed) = job?.Choose(folder, earlier, parsed.GetValue(restarts)) ?? ResumedRun.Choose(folder, earlier);
            return job is null ? await RunAsync() : job.Lead(RunAsync, interrupted);

            async Task<int> RunAsync()
            {
                IReadOnlyList<string> program = choice.IsOwn ? choice.Words : resumed?.Run.ReadConfig().Program ?? [];
                IAnsiConsole console = ConsoleOutput.People(plain: job is not null);
                if (program.Count > 0)
                {
                    settings.RequireNoneOfLanes(parsed, data);
                    RequireNoJob(job, program);
                    TaskProgram own = await TaskChoice.OwnAsync(program, interrupted);
                    using var display = new TrainingDisplay(console, TimeProvider.System, own.SampleNoun);
                    return await new TrainingSession(own, run, request.Configure(own, resumed), resumed, display).RunAsync(parsed.GetValue(restarts), steps, interrupted);
                }
                else
                {
                    TaskProgram lanes = TaskChoice.Lanes(DrawnData.Frames);
                    using var display = new TrainingDisplay(console, TimeProvider.System, "image");
                    return await new LaneSession(lanes, run, request.ConfigureLanes(run, resumed), resumed, display, console, job).RunAsync(parsed.GetValue(restarts), steps, interrupted);
                }
            }
        });
        return command;
    }

    // The ranks of a launcher's job are processes of this program, which has another task.
    private static void RequireNoJob(LaunchedJob? job, IReadOnlyList<string> program)
    {
        if (job is not null)
        {
            throw new BadInputException("the run is another program's", string.Join(' ', program), "Start that program itself with the launcher, with --resume behind it.");
        }
    }

    private static TraceSteps StepsOf(string? text) => text is null ? TraceSteps.Default
        : TraceSteps.TryParse(text, out TraceSteps steps) ? steps
        : throw new BadInputException("not a range of steps", text, $"Give --trace a step or a range such as {TraceSteps.Default}, counted from the start of this session.");

    /// <summary>What the command line asks for.</summary>
    private sealed record Request(string? Data, ConfigFile? Config, JsonObject Given, LaunchedJob? Job)
    {
        public RunConfiguration Configure(TaskProgram program, ResumedRun? resumed)
        {
            // The program's arguments are its settings, also where the run goes on with others than before.
            RunConfiguration start = resumed is null ? TaskChoice.Defaults(program) : resumed.Run.ReadConfig().Continued() with { Task = program.Settings, Program = program.Words };
            return Complete(start);
        }

        public RunConfiguration ConfigureLanes(RunDirectory run, ResumedRun? resumed)
        {
            string? data = Data ?? Config?.Data;
            bool isDrawn = data == DrawnData.Name;
            if (resumed is null)
            {
                return data is null
                    ? throw new BadInputException("no data to train on", "--data is missing", $"Give --data DIR, or --data {DrawnData.Name} to draw some.")
                    : Complete(VerbDefaults.Train.Configuration(isDrawn ? DrawnData.Folder(run.Root) : Path.GetFullPath(data), isDrawn));
            }

            RunConfiguration earlier = run.ReadConfig().Continued();
            string? was = earlier.Task["data"]?.ToString() ?? throw new BadInputException("the configuration has no data", run.Config, "Correct it or start a new run.");
            if (isDrawn && was != DrawnData.Folder(run.Root))
            {
                throw new BadInputException("the run was on other data than drawn roads", was, "Leave --data out to go on with it, or start a new run.");
            }

            return Complete(data is null || isDrawn ? earlier : earlier.With(new JsonObject { ["data"] = Path.GetFullPath(data) }));
        }

        private RunConfiguration Complete(RunConfiguration start) => Job?.Resolve(start, WithGiven) ?? WithGiven(start).Resolve(Environment.ProcessorCount);

        private RunConfiguration WithGiven(RunConfiguration start) => (Config?.Onto(start) ?? start).With(Given);
    }
}
