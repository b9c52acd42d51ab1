using System.CommandLine;
using System.Globalization;
using Convoy.Cli.Launching;
using Convoy.Cli.Training;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Studies;
using Convoy.Training.Workers;

namespace Convoy.Cli.Scaling;

/// <summary>The command line's options of a study, and how they become <see cref="StudySettings"/>.</summary>
/// <param name="choice">Whose task is studied.</param>
internal sealed class ScaleOptionSet(TaskChoice choice)
{
    // Passes over drawn data that the longest run makes: drawing takes time too.
    private const int BatchesToDraw = 4;
    private const int LeastFramesToDraw = 48;
    private const int LongestName = 40;

    private static readonly string[] NotTaken =
    [
        "data", "nproc", "threads", "precision", "steps", "epochs", "schedule_steps", "batch_size", "val", "val_split", "eval_every", "checkpoint_every", "keep_checkpoints",
    ];

    private readonly Option<string?> _data = new("--data") { Description = $"The training data in TuSimple's layout, or '{DrawnData.Name}' to draw some. [default: {DrawnData.Name}]", HelpName = "DIR" };
    private readonly Option<string?> _output = new("--out") { Description = "The study directory: absent, empty, or that of the same study to go on with it. [default: runs/scale-DATE-TIME]", HelpName = "DIR" };
    private readonly Option<string?> _processes = new("--processes") { Description = "Numbers of processes, separated by commas. [default: 1, 2, 4, ... up to the cores]", HelpName = "LIST" };
    private readonly Option<string?> _precision = new("--precision") { Description = "Precisions, separated by commas: fp32, bf16, fp16. [default: fp32, and bf16 where the processor computes in it; of a program without a task its own]", HelpName = "LIST" };
    private readonly Option<string> _threads = new("--threads") { Description = "Numbers of libtorch's threads in each process, separated by commas; auto is cores / processes.", HelpName = "LIST", DefaultValueFactory = _ => "1" };
    private readonly Option<int?> _steps = new("--steps") { Description = "Steps that every run measures. [default: as many as --minutes leaves time for]" };
    private readonly Option<int> _warmup = new("--warmup") { Description = "Steps at the start of every run that do not count.", DefaultValueFactory = _ => 2 };
    private readonly Option<int> _repeats = new("--repeats") { Description = "Runs of each configuration, alternating with those of the others.", DefaultValueFactory = _ => 2 };
    private readonly Option<double> _minutes = new("--minutes") { Description = "Time for all runs together, when --steps is not given.", DefaultValueFactory = _ => 3 };
    private readonly Option<bool> _weak = new("--weak") { Description = "Weak scaling: every process has a batch of its own, instead of a share of the same global batch. Of a program that writes no metrics: every process does the same work, however many there are." };
    private readonly Option<bool> _strong = new("--strong") { Description = "Strong scaling, which is what a task without --weak is measured for. Of a program that writes no metrics: all processes share the same work. With neither --strong nor --weak its times have no speed-ups." };
    private readonly Option<string?> _samples = new("--samples") { Description = "What a program without a task calls its samples: images, tokens, sequences. [default: what its metrics say, or samples]", HelpName = "NAME" };
    private readonly Option<double> _runTimeout = new("--run-timeout") { Description = "Seconds that a run of a program without a task may take; then it is ended and counts as failed.", HelpName = "SECONDS", DefaultValueFactory = _ => 3600 };
    private readonly Option<int?> _batchSize = new("--batch-size") { Description = "Samples of one step over all processes; with --weak in each process. [default: the smallest multiple of all --processes from the task's batch up, which is 8 for the lane detector; with --weak that batch]" };
    private readonly SettingOptions _training = new(VerbDefaults.Measured, NotTaken);

    /// <summary>Adds the options to the verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (Option option in new Option[] { _data, _output, _processes, _precision, _threads, _steps, _warmup, _repeats, _minutes, _weak, _strong, _batchSize, _samples, _runTimeout })
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
        if (parsed.GetValue(_weak) && parsed.GetValue(_strong))
        {
            throw new BadInputException("two options contradict each other", "--weak --strong", "Give one of them.");
        }

        (Common(parsed, processes, host) with { BatchSize = parsed.GetValue(_batchSize) ?? 1 }).Validate(); // before anything is built
        GivenProgram? program = choice.IsOwn ? await GivenProgram.FindAsync(choice.Words, interrupted) : null;
        if (program is { Kind: ProgramKind.Other })
        {
            _training.RequireNone(parsed, _data, _batchSize);
            StudySettings studied = Common(parsed, processes, host) with { Program = OfProgram(parsed, program.Words) };
            studied = parsed.GetValue(_precision) is null ? studied with { Precisions = [] } : studied;
            studied.Validate();
            return new ScaleRequest(study, studied, null, program.Program);
        }

        if (((Option[])[_samples, _runTimeout]).FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new BadInputException("an option of programs without a task with a task", given.Name, "Leave it out: a task says it itself.");
        }

        TaskProgram? own = null;
        if (program is not null)
        {
            _training.RequireNoneOfLanes(parsed, _data);
            own = await TaskChoice.OwnAsync(program, interrupted);
        }

        string data = parsed.GetValue(_data) ?? DrawnData.Name;
        bool draw = own is null && data == DrawnData.Name;
        RunConfiguration start = own is not null
            ? TaskChoice.Defaults(own) with { Training = own.Defaults with { Nproc = 1, Threads = 1, Accumulate = 1 } }
            : VerbDefaults.Measured.Configuration(draw ? DrawnData.Folder(study.Root) : Path.GetFullPath(data), draw);
        StudySettings settings = Common(parsed, processes, host) with { BatchSize = 1, Training = start.With(_training.Read(parsed)) };
        settings.Validate();
        settings = settings with { BatchSize = parsed.GetValue(_batchSize) ?? (settings.Weak ? start.Training.BatchSize : StudyDefaults.Batch(processes, start.Training.BatchSize)) };
        settings.Validate();
        return new ScaleRequest(study, settings, own ?? TaskChoice.Lanes(FramesToDraw(settings)), null);
    }

    // What both kinds of studies have.
    private StudySettings Common(ParseResult parsed, IReadOnlyList<int> processes, HostInfo host) => new()
    {
        Processes = processes,
        Threads = ValueList.Numbers(parsed.GetRequiredValue(_threads), "--threads", ("auto", StudySettings.AutoThreads)),
        Precisions = parsed.GetValue(_precision) is { } names ? ValueList.Parse(names, PrecisionNames.Parse) : StudyDefaults.Precisions(host.InstructionSets),
        Steps = parsed.GetValue(_steps),
        Warmup = parsed.GetValue(_warmup),
        Repeats = parsed.GetValue(_repeats),
        Minutes = parsed.GetValue(_minutes),
        Weak = parsed.GetValue(_weak),
        BatchSize = 0,
        Machine = host.CpuModel ?? host.Architecture,
        Cores = host.UsableCores,
        Training = null,
    };

    private ProgramStudy OfProgram(ParseResult parsed, IReadOnlyList<string> words) => new()
    {
        Words = words,
        Work = parsed.GetValue(_weak) ? RunWork.PerProcess : parsed.GetValue(_strong) ? RunWork.Fixed : null,
        SampleNoun = parsed.GetValue(_samples) is { } samples ? Singular(samples) : null,
        RunTimeoutSeconds = parsed.GetValue(_runTimeout),
    };

    // Reports make the plural by an s.
    private static string Singular(string samples) => samples.Length is > 1 and <= LongestName && samples.All(c => char.IsLetter(c) || c is ' ' or '-')
        ? samples.EndsWith('s') ? samples[..^1] : samples
        : throw new BadInputException("--samples is no name for samples", BadInputException.Excerpt(samples), $"Give a word, such as images, tokens or sequences, of at most {LongestName} letters.");

    private static int FramesToDraw(StudySettings settings) =>
        (int)Math.Max(LeastFramesToDraw, BatchesToDraw * (settings.Weak ? (long)settings.BatchSize * settings.Processes.Max() : settings.BatchSize));
}
