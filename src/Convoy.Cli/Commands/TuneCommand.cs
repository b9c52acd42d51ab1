using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Cli.Training;
using Convoy.Cli.Tuning;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Studies;
using Convoy.Training.Tuning;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy tune</c>: finds the fastest configuration on this machine.</summary>
internal static class TuneCommand
{
    private const int FramesToDraw = 48;

    private static readonly string[] NotTaken = ["data", "steps", "epochs", "schedule_steps", "val", "val_split", "eval_every", "checkpoint_every", "keep_checkpoints"];

    // Each of these is tuned unless it is given.
    private static readonly Dictionary<string, string> Tuned = new()
    {
        ["nproc"] = "the fastest number that divides the batch",
        ["batch_size"] = "the fastest whose updates have --effective-batch samples",
        ["accumulate"] = "what goes with the batch",
        ["threads"] = "the fastest number",
        ["precision"] = "the fastest of fp32 and, where the processor computes in it, bf16",
        ["channels_last"] = "the faster",
        ["workers"] = "the fastest number",
    };

    public static Command Create(TaskChoice choice)
    {
        var data = new Option<string?>("--data") { Description = $"The training data in TuSimple's layout, or '{DrawnData.Name}' to draw some. [default: {DrawnData.Name}]", HelpName = "DIR" };
        var budget = new Option<double>("--budget-seconds") { Description = "Time for all trials.", DefaultValueFactory = _ => 120 };
        var output = new Option<string>("--out") { Description = "The file for train --config.", HelpName = "FILE", DefaultValueFactory = _ => "tuned.json" };
        var memory = new Option<string?>("--memory-limit") { Description = "Memory of all processes together, in GiB or as a share of the machine's, such as 80%: what takes more is not chosen. [default: 90 % of what is available]", HelpName = "GIB|SHARE" };
        var effective = new Option<string?>("--effective-batch") { Description = "Samples of an update (batch x accumulation), which tuning keeps, or a range of them such as 16-64 to choose from. [default: those of the settings]", HelpName = "N|RANGE" };
        Option<bool> json = ConsoleOutput.JsonOption();
        var settings = new SettingOptions(VerbDefaults.Measured, NotTaken, Tuned);
        var command = new Command(
            "tune",
            $"Finds the fastest processes, threads, precision, memory format, batch with its accumulation, and loader threads on this machine by short trials, and writes them for train --config. An option that is given is not tuned. {TaskChoice.Help}")
        {
            data, budget, memory, effective, output, json,
        };
        settings.AddTo(command);
        command.SetAction(async (parsed, interrupted) =>
        {
            double seconds = parsed.GetValue(budget);
            if (!double.IsFinite(seconds) || seconds <= 0)
            {
                throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--budget-seconds must be above 0 (got {seconds})."));
            }

            TaskProgram? own = await choice.OwnAsync(settings, parsed, data, interrupted);
            TuneRequest request = MakeRequest(own, settings.Read(parsed), parsed.GetValue(data) ?? DrawnData.Name, seconds, parsed.GetRequiredValue(output), parsed.GetValue(memory), parsed.GetValue(effective));
            return await new TuneSession(request, parsed.GetValue(json)).RunAsync(interrupted);
        });
        return command;
    }

    /// <summary>What the command line asks for.</summary>
    /// <param name="own">The program with a task of its own; null for the lane detector.</param>
    /// <param name="given">The settings that are given, which are not tuned.</param>
    /// <param name="data">The lane detector's data.</param>
    /// <param name="seconds">Time for all trials.</param>
    /// <param name="output">The file for <c>train --config</c>.</param>
    /// <param name="memory">What all processes may take together, as it is written; null for most of what is available.</param>
    /// <param name="effective">The samples of an update, as they are written; null for those of the settings.</param>
    internal static TuneRequest MakeRequest(TaskProgram? own, JsonObject given, string data, double seconds, string output, string? memory = null, string? effective = null)
    {
        HostInfo host = HostProbe.Read();
        bool draw = own is null && data == DrawnData.Name;
        RunConfiguration Settings(string scratch)
        {
            RunConfiguration start = own is not null
                ? TaskChoice.Defaults(own) with { Training = VerbDefaults.Own(own.Defaults) with { Nproc = 1, Threads = 1 } }
                : VerbDefaults.Measured.Configuration(draw ? DrawnData.Folder(scratch) : Path.GetFullPath(data), draw);
            return start.With(given).Resolve(host.UsableCores);
        }

        TrainingOptions common = Settings(string.Empty).Training;
        var usual = new TrainingBatch(common.BatchSize, common.Accumulate);
        EffectiveBatchRange range = effective is null ? new EffectiveBatchRange(usual.Effective, usual.Effective) : EffectiveBatchRange.Parse(effective);
        IReadOnlyList<TrainingBatch> batches = range.Batches(usual, given.ContainsKey("batch_size"), given.ContainsKey("accumulate"));
        var space = new TuningSpace
        {
            Cores = host.UsableCores,
            Batches = batches,
            Processes = given.ContainsKey("nproc") ? [common.Nproc] : null,
            Threads = given.ContainsKey("threads") ? [common.Threads] : null,
            Precisions = given.ContainsKey("precision") ? [common.Precision] : StudyDefaults.Precisions(host.InstructionSets),
        };
        space = given.ContainsKey("channels_last") ? space with { ChannelsLast = [common.ChannelsLast] } : space;
        space = given.ContainsKey("workers") ? space with { Workers = [common.Workers] } : space;
        return new TuneRequest(
            own ?? TaskChoice.Lanes(Math.Max(FramesToDraw, batches.Max(batch => batch.Size))), Settings, space, memory is null ? MemoryLimit.Default(host) : MemoryLimit.Parse(memory, host), seconds, unchecked((int)common.Seed), output, draw || own is not null ? null : Path.GetFullPath(data));
    }
}
