using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Cli.Launching;
using Convoy.Cli.Scaling;
using Convoy.Cli.Training;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Studies;
using Convoy.Training.Tuning;

namespace Convoy.Cli.Tuning;

/// <summary>The options of <c>convoy tune</c>, and what they ask for.</summary>
internal sealed class TuneOptionSet
{
    private const int FramesToDraw = 48;

    private static readonly string[] NotTaken =
        ["data", "steps", "epochs", "schedule_steps", "val", "val_split", "eval_every", "checkpoint_every", "keep_checkpoints", "nproc", "threads", "precision"];

    // Each of these is tuned unless it is given.
    private static readonly Dictionary<string, string> Tuned = new()
    {
        ["batch_size"] = "the fastest whose updates have --effective-batch samples",
        ["accumulate"] = "what goes with the batch",
        ["channels_last"] = "the faster",
        ["workers"] = "the fastest number",
    };

    private readonly Option<string?> _data = new("--data") { Description = $"The training data in TuSimple's layout, or '{DrawnData.Name}' to draw some. [default: {DrawnData.Name}]", HelpName = "DIR" };
    private readonly Option<double> _budget = new("--budget-seconds") { Description = "Time for all trials.", DefaultValueFactory = _ => 120 };
    private readonly Option<string?> _memory = new("--memory-limit") { Description = "Memory of all processes together, in GiB or as a share of the machine's, such as 80%: what takes more is not chosen. [default: 90 % of what is available]", HelpName = "GIB|SHARE" };
    private readonly Option<string?> _effective = new("--effective-batch") { Description = "Samples of an update (batch x accumulation), which tuning keeps, or a range of them such as 16-64 to choose from. [default: those of the settings]", HelpName = "N|RANGE" };
    private readonly Option<string> _output = new("--out") { Description = "The file for train --config.", HelpName = "FILE", DefaultValueFactory = _ => "tuned.json" };
    private readonly Option<string?> _processes = new("--nproc") { Description = "Numbers of processes, separated by commas. [default: the fastest number that divides the batch; of a program without a task one of 1, 2, 4, ... up to the cores]", HelpName = "LIST" };
    private readonly Option<string?> _threads = new("--threads") { Description = "Numbers of threads in each process, separated by commas. [default: the faster of cores / processes and half of that]", HelpName = "LIST" };
    private readonly Option<string?> _precision = new("--precision") { Description = "Precisions, separated by commas: fp32, bf16, fp16 (slow on processors). [default: the fastest of fp32 and, where the processor computes in it, bf16; of a program without a task its own]", HelpName = "LIST" };
    private readonly Option<int> _steps = new("--steps") { Description = "Of a program without a task: steps of a run that count, at most.", DefaultValueFactory = _ => 20 };
    private readonly Option<int> _warmup = new("--warmup") { Description = "Of a program without a task: steps at the start of every run that do not count.", DefaultValueFactory = _ => 2 };
    private readonly Option<bool> _strong = new("--strong") { Description = "Of a program that writes no steps: all its processes share the same work." };
    private readonly Option<bool> _weak = new("--weak") { Description = "Of a program that writes no steps: every process does the same work, so that more processes do more." };
    private readonly SettingOptions _settings = new(VerbDefaults.Measured, NotTaken, Tuned);

    private Option[] Lists => [_processes, _threads, _precision];

    private Option[] OfTasks => [_data, _effective, _output];

    private Option[] OfPrograms => [_steps, _warmup, _strong, _weak];

    /// <summary>Adds the options to the verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (Option option in (IEnumerable<Option>)[_data, _budget, _memory, _effective, _output, .. Lists, .. OfPrograms])
        {
            verb.Options.Add(option);
        }

        _settings.AddTo(verb);
    }

    /// <summary>Looks at what can be told without the program.</summary>
    /// <exception cref="BadInputException">A value is out of its range.</exception>
    public void RequireRanges(ParseResult parsed)
    {
        _ = (Budget(parsed), Memory(parsed.GetValue(_memory), HostProbe.Read()), Steps(parsed), WarmupSteps(parsed));
        _ = (Numbers(parsed, _processes), Numbers(parsed, _threads), Precisions(parsed));
    }

    /// <summary>What the command line asks for of a program without a task.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="program">The program.</param>
    /// <exception cref="BadInputException">A value is out of its range, or an option is not one of such a program.</exception>
    public ProgramTuneRequest ReadProgram(ParseResult parsed, GivenProgram program)
    {
        RequireNone(parsed, OfTasks, "an option of tasks with a program that has none", "Leave it out; options of your program stand behind it, after --.");
        if (_settings.Read(parsed) is { Count: > 0 } settings)
        {
            throw new BadInputException("a setting of tasks with a program that has none", settings.First().Key, "Leave it out; options of your program stand behind it, after --.");
        }

        bool strong = parsed.GetValue(_strong), weak = parsed.GetValue(_weak);
        if (strong && weak)
        {
            throw new BadInputException("two options contradict each other", "--strong --weak", "Give one of them.");
        }

        HostInfo host = HostProbe.Read();
        var space = new TuningSpace
        {
            Cores = host.UsableCores,
            Batches = null,
            Processes = Numbers(parsed, _processes) ?? StudyDefaults.Processes(host.UsableCores),
            Threads = Numbers(parsed, _threads),
            Precisions = Precisions(parsed) is { } given ? [.. given.Select(precision => (Precision?)precision)] : [null],
            ChannelsLast = [null],
            Workers = [null],
        };
        return new ProgramTuneRequest(program, space, Memory(parsed.GetValue(_memory), host), Budget(parsed), Steps(parsed), WarmupSteps(parsed), strong ? RunWork.Fixed : weak ? RunWork.PerProcess : null);
    }

    /// <summary>What the command line asks for of a task.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="program">The program with the task; null for the lane detector.</param>
    /// <param name="interrupted">Ends the wait for the program.</param>
    /// <exception cref="BadInputException">A value is out of its range, or an option is not one of such a task.</exception>
    public async Task<TuneRequest> ReadTaskAsync(ParseResult parsed, GivenProgram? program, CancellationToken interrupted)
    {
        RequireNone(parsed, OfPrograms, "an option of programs without a task", "Leave it out; how long a trial is follows from --budget-seconds.");
        double seconds = Budget(parsed);
        var lists = new TuneLists(Numbers(parsed, _processes), Numbers(parsed, _threads), Precisions(parsed));
        TaskProgram? own = null;
        if (program is not null)
        {
            _settings.RequireNoneOfLanes(parsed, _data);
            own = await TaskChoice.OwnAsync(program, interrupted);
        }

        return MakeRequest(
            own, _settings.Read(parsed), lists, parsed.GetValue(_data) ?? DrawnData.Name, seconds, parsed.GetRequiredValue(_output), parsed.GetValue(_memory), parsed.GetValue(_effective));
    }

    /// <summary>What is asked for.</summary>
    /// <param name="own">The program with a task of its own; null for the lane detector.</param>
    /// <param name="given">The settings that are given, which are not tuned.</param>
    /// <param name="lists">The values to choose from that are given.</param>
    /// <param name="data">The lane detector's data.</param>
    /// <param name="seconds">Time for all trials.</param>
    /// <param name="output">The file for <c>train --config</c>.</param>
    /// <param name="memory">What all processes may take together, as it is written; null for most of what is available.</param>
    /// <param name="effective">The samples of an update, as they are written; null for those of the settings.</param>
    internal static TuneRequest MakeRequest(TaskProgram? own, JsonObject given, TuneLists lists, string data, double seconds, string output, string? memory, string? effective)
    {
        HostInfo host = HostProbe.Read();
        bool draw = own is null && data == DrawnData.Name;
        RunConfiguration Settings(string scratch)
        {
            RunConfiguration start = own is not null
                ? TaskChoice.Defaults(own) with { Training = own.Defaults with { Nproc = 1, Threads = 1 } }
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
            Processes = lists.Processes,
            Threads = lists.Threads,
            Precisions = [.. (lists.Precisions ?? StudyDefaults.Precisions(host.InstructionSets)).Select(precision => (Precision?)precision)],
        };
        space = given.ContainsKey("channels_last") ? space with { ChannelsLast = [common.ChannelsLast] } : space;
        space = given.ContainsKey("workers") ? space with { Workers = [common.Workers] } : space;
        return new TuneRequest(
            own ?? TaskChoice.Lanes(Math.Max(FramesToDraw, batches.Max(batch => batch.Size))), Settings, space, Memory(memory, host), MemoryLimit.Default(host), seconds, unchecked((int)common.Seed), output, draw || own is not null ? null : Path.GetFullPath(data));
    }

    private double Budget(ParseResult parsed)
    {
        double seconds = parsed.GetValue(_budget);
        return double.IsFinite(seconds) && seconds > 0 ? seconds : throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--budget-seconds must be above 0 (got {seconds})."));
    }

    private int Steps(ParseResult parsed) => Within(_steps.Name, parsed.GetValue(_steps), 1, 1_000_000);

    private int WarmupSteps(ParseResult parsed) => Within(_warmup.Name, parsed.GetValue(_warmup), 0, 1_000_000);

    private static MemoryLimit Memory(string? text, HostInfo host) => text is null ? MemoryLimit.Default(host) : MemoryLimit.Parse(text, host);

    private static IReadOnlyList<int>? Numbers(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) is { } list ? [.. ValueList.Numbers(list, option.Name).Select(number => Within(option.Name, number, 1, 1024)).Distinct()] : null;

    private IReadOnlyList<Precision>? Precisions(ParseResult parsed) =>
        parsed.GetValue(_precision) is { } list ? [.. ValueList.Parse(list, PrecisionNames.Parse).Distinct()] : null;

    private static int Within(string name, int value, int least, int most) => value >= least && value <= most
        ? value
        : throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"{name} must be at least {least} and at most {most} (got {value})."));

    private static void RequireNone(ParseResult parsed, Option[] options, string what, string remedy)
    {
        if (Array.Find(options, option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new BadInputException(what, given.Name, remedy);
        }
    }
}

/// <summary>The values to choose from that the command line gives; null for those that tuning finds itself.</summary>
/// <param name="Processes">Numbers of processes.</param>
/// <param name="Threads">Numbers of threads in each.</param>
/// <param name="Precisions">Precisions.</param>
internal sealed record TuneLists(IReadOnlyList<int>? Processes = null, IReadOnlyList<int>? Threads = null, IReadOnlyList<Precision>? Precisions = null);
