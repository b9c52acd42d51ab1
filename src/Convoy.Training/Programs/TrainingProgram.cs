using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Distributed.Launch;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using Convoy.Training.Workers;
using static TorchSharp.torch;

namespace Convoy.Training.Programs;

/// <summary>
/// The whole Main of a program that trains a task: <c>return TrainingProgram.Run(args, new MyTask());</c>. Started by a person it trains, with the settings of run and
/// task on its command line, and started by a launcher (<c>mpirun</c>, <c>srun</c>, <c>convoy launch</c>) it is one of the run's ranks; started by <c>convoy train</c>, <c>scale</c>, <c>tune</c> or <c>bench step</c> behind <c>--</c>, it does what those ask for.
/// </summary>
public static class TrainingProgram
{
    /// <summary>Runs the program.</summary>
    /// <param name="args">Its command line.</param>
    /// <param name="task">The task.</param>
    /// <returns>The exit code, see <see cref="ExitCodes"/>.</returns>
    public static int Run<TModel, TBatch>(string[] args, ITrainingTask<TModel, TBatch> task)
        where TModel : nn.Module
        where TBatch : IDisposable
    {
        ArgumentNullException.ThrowIfNull(args);
        ArgumentNullException.ThrowIfNull(task);
        LaunchedJob? job = null;
        int code = ConsoleProgram.RunAsync(args, program =>
        {
            if (WorkerRole.Current is not { } role)
            {
                RequireNoStudy();
                job = LaunchedJob.FromEnvironment(args);
                return job is { IsFirst: false } ? Task.FromResult(job.Follow(task, program.Interrupted)) : TrainAsync(args, task, job, program.Interrupted);
            }

            // Settings of a rank come from the run's config.json; only who asks for a description has nothing but the command line.
            var host = TaskHost.Create(task);
            program.IsWorker = true;
            if (role == WorkerRole.Describe)
            {
                var reader = new CommandLineReader(host.Table);
                reader.With("--verbose", takesValue: false).Read(args);
                host.Apply(reader.Settings);
            }

            return Task.FromResult(new TaskWorker(host).Run(role, program.Interrupted));
        }).GetAwaiter().GetResult();
        return job?.End(code) ?? code;
    }

    private static async Task<int> TrainAsync<TModel, TBatch>(string[] args, ITrainingTask<TModel, TBatch> task, LaunchedJob? job, CancellationToken interrupted)
        where TModel : nn.Module
        where TBatch : IDisposable
    {
        var program = TaskProgram.Create(task, LaunchProgram.ThisProgram(args));
        OptionTable table = OptionTable.For(task.Settings.GetType());
        CommandLineReader reader = new CommandLineReader(table, TrainingOptions.Table)
            .With("--help", takesValue: false).With("--verbose", takesValue: false).With("--out").With("--resume").With("--max-restarts");
        reader.Read(args);
        if (reader.Value("--help") is not null)
        {
            WriteHelp(task.GetType().Name, program, table);
            return ExitCodes.Done;
        }

        int restarts = int.TryParse(reader.Value("--max-restarts") ?? "0", NumberStyles.None, CultureInfo.InvariantCulture, out int count)
            ? count
            : throw new BadInputException($"--max-restarts must be a whole number from 0 (got {reader.Value("--max-restarts")}).");
        (RunDirectory run, ResumedRun? resumed) = job?.Choose(reader.Value("--out"), reader.Value("--resume"), restarts) ?? ResumedRun.Choose(reader.Value("--out"), reader.Value("--resume"));
        return job is null ? await RunAsync().ConfigureAwait(false) : job.Lead(RunAsync, interrupted);

        async Task<int> RunAsync()
        {
            RunConfiguration start = resumed is not null ? run.ReadConfig().Continued() : new RunConfiguration(program.Defaults, program.Settings);
            RunConfiguration configuration = job?.Resolve(start, auto => auto.With(reader.Settings)) ?? start.With(reader.Settings).Resolve(Environment.ProcessorCount);
            configuration = configuration with { Program = Words(table, configuration.Task, program.Settings) };
            using var display = new PlainDisplay(program.SampleNoun, TimeProvider.System);
            return await new TrainingSession(program, run, configuration, resumed, display, job).RunAsync(restarts, trace: null, interrupted).ConfigureAwait(false);
        }
    }

    // A wrapper can hide that there is a task, and every rank would begin a run of its own.
    private static void RequireNoStudy()
    {
        if (Environment.GetEnvironmentVariable(ProgramVariables.Steps) is { Length: > 0 } && Environment.GetEnvironmentVariable(ProgramVariables.Folder) is { Length: > 0 })
        {
            throw new BadInputException(
                "a program with a task was started as any other program",
                $"{ProgramVariables.Steps} is set",
                "Give convoy the program itself behind --, as in 'convoy scale -- dotnet MyProgram.dll', without a script or wrapper around it.");
        }
    }

    // How convoy would be told of this program, so that it can go on with the run.
    private static string[] Words(OptionTable table, JsonObject settings, JsonObject defaults)
    {
        var program = LaunchProgram.ThisProgram();
        IEnumerable<OptionRow> given = table.Rows.Where(row => !JsonNode.DeepEquals(settings[row.Setting], defaults[row.Setting]));
        return [program.FileName, .. program.Arguments, .. given.SelectMany(row => row.Arguments(settings[row.Setting]))];
    }

    private static void WriteHelp(string name, TaskProgram program, OptionTable table)
    {
        Console.Out.WriteLine($"{name}: trains its model. The same program can be studied and tuned: convoy scale -- PROGRAM");
        Console.Out.WriteLine();
        WriteRow("--out DIR", "The run directory; absent or empty. [default: runs/train-DATE-TIME]");
        WriteRow("--resume DIR", "Go on with the run in this directory from its newest checkpoint that is whole.");
        WriteRow("--max-restarts N", "How often a run that failed starts again from its last checkpoint. [default: 0]");
        JsonObject defaults = program.Defaults.ToJson(), settings = program.Settings;
        foreach (OptionRow row in table.Rows.Concat(TrainingOptions.Table.Rows))
        {
            JsonNode? value = defaults.TryGetPropertyValue(row.Setting, out JsonNode? own) ? own : settings[row.Setting];
            string option = row.IsSwitch ? value?.GetValue<bool>() == true ? $"{row.Name}, {row.OffName}" : row.Name : $"{row.Name} {row.Value ?? "VALUE"}";
            WriteRow(option, $"{row.Help} [default: {row.Default(value)}]");
        }
    }

    private static void WriteRow(string option, string help) => Console.Out.WriteLine($"  {option,-28} {help}");
}
