using System.CommandLine;
using System.Globalization;
using Convoy.Cli.Training;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Studies;

namespace Convoy.Cli.Scaling;

/// <summary>The command line's options of a study, and how they become <see cref="StudySettings"/>.</summary>
/// <param name="choice">Whose task is studied.</param>
internal sealed class ScaleOptionSet(TaskChoice choice)
{
    // Passes over drawn data that the longest run makes: drawing takes time too.
    private const int BatchesToDraw = 4;
    private const int LeastFramesToDraw = 48;

    private static readonly string[] NotTaken =
    [
        "data", "nproc", "threads", "precision", "steps", "epochs", "schedule_steps", "batch_size", "val", "val_split", "eval_every", "checkpoint_every", "keep_checkpoints",
    ];

    private readonly Option<string?> _data = new("--data") { Description = $"The training data in TuSimple's layout, or '{DrawnData.Name}' to draw some. [default: {DrawnData.Name}]", HelpName = "DIR" };
    private readonly Option<string?> _output = new("--out") { Description = "The study directory: absent, empty, or that of the same study to go on with it. [default: runs/scale-DATE-TIME]", HelpName = "DIR" };
    private readonly Option<string?> _processes = new("--processes") { Description = "Numbers of processes, separated by commas. [default: 1, 2, 4, ... up to the cores]", HelpName = "LIST" };
    private readonly Option<string?> _precision = new("--precision") { Description = "Precisions, separated by commas: fp32, bf16, fp16. [default: fp32, and bf16 where the processor computes in it]", HelpName = "LIST" };
    private readonly Option<string> _threads = new("--threads") { Description = "Numbers of libtorch's threads in each process, separated by commas; auto is cores / processes.", HelpName = "LIST", DefaultValueFactory = _ => "1" };
    private readonly Option<int?> _steps = new("--steps") { Description = "Steps that every run measures. [default: as many as --minutes leaves time for]" };
    private readonly Option<int> _warmup = new("--warmup") { Description = "Steps at the start of every run that do not count.", DefaultValueFactory = _ => 2 };
    private readonly Option<int> _repeats = new("--repeats") { Description = "Runs of each configuration, alternating with those of the others.", DefaultValueFactory = _ => 2 };
    private readonly Option<double> _minutes = new("--minutes") { Description = "Time for all runs together, when --steps is not given.", DefaultValueFactory = _ => 3 };
    private readonly Option<bool> _weak = new("--weak") { Description = "Weak scaling: every process has a batch of its own, instead of a share of the same global batch." };
    private readonly Option<int?> _batchSize = new("--batch-size") { Description = "Samples of one step over all processes; with --weak in each process. [default: the smallest multiple of all --processes from the task's batch up, which is 8 for the lane detector; with --weak that batch]" };
    private readonly SettingOptions _training = new(VerbDefaults.Measured, NotTaken);

    /// <summary>Adds the options to the verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (Option option in new Option[] { _data, _output, _processes, _precision, _threads, _steps, _warmup, _repeats, _minutes, _weak, _batchSize })
        {
            verb.Options.Add(option);
        }

        _training.AddTo(verb);
    }

    /// <summary>What the command line asks for.</summary>
    /// <exception cref="BadInputException">A value is out of its range.</exception>
    public async Task<ScaleRequest> ReadAsync(ParseResult parsed, CancellationToken interrupted)
    {
        HostInfo host = HostProbe.Read();
        string name = string.Create(CultureInfo.InvariantCulture, $"scale-{TimeProvider.System.GetLocalNow():yyyyMMdd-HHmmss}");
        var study = new StudyDirectory(parsed.GetValue(_output) ?? Path.Combine("runs", name));
        IReadOnlyList<int> processes = parsed.GetValue(_processes) is { } list
            ? ValueList.Numbers(list, "--processes")
            : StudyDefaults.Processes(host.UsableCores);
        TaskProgram? own = await choice.OwnAsync(_training, parsed, _data, interrupted);
        string data = parsed.GetValue(_data) ?? DrawnData.Name;
        bool draw = own is null && data == DrawnData.Name;
        RunConfiguration start = own is not null
            ? TaskChoice.Defaults(own) with { Training = VerbDefaults.Own(own.Defaults) with { Nproc = 1, Threads = 1, Accumulate = 1 } }
            : VerbDefaults.Measured.Configuration(draw ? DrawnData.Folder(study.Root) : Path.GetFullPath(data), draw);
        var settings = new StudySettings
        {
            Processes = processes,
            Threads = ValueList.Numbers(
                parsed.GetRequiredValue(_threads), "--threads", ("auto", StudySettings.AutoThreads)),
            Precisions = parsed.GetValue(_precision) is { } names ? ValueList.Parse(names, PrecisionNames.Parse) : StudyDefaults.Precisions(host.InstructionSets),
            Steps = parsed.GetValue(_steps),
            Warmup = parsed.GetValue(_warmup),
            Repeats = parsed.GetValue(_repeats),
            Minutes = parsed.GetValue(_minutes),
            Weak = parsed.GetValue(_weak),
            BatchSize = 1,
            Machine = host.CpuModel ?? host.Architecture,
            Cores = host.UsableCores,
            Training = start.With(_training.Read(parsed)),
        };
        settings.Validate();
        settings = settings with { BatchSize = parsed.GetValue(_batchSize) ?? (settings.Weak ? start.Training.BatchSize : StudyDefaults.Batch(processes, start.Training.BatchSize)) };
        settings.Validate();
        return new ScaleRequest(study, settings, own ?? TaskChoice.Lanes(FramesToDraw(settings)));
    }

    private static int FramesToDraw(StudySettings settings) =>
        (int)Math.Max(LeastFramesToDraw, BatchesToDraw * (settings.Weak ? (long)settings.BatchSize * settings.Processes.Max() : settings.BatchSize));
}
