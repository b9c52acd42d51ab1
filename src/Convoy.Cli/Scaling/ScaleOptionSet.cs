using System.CommandLine;
using System.Globalization;
using Convoy.Cli.Training;
using Convoy.Lanes.Sweeps;
using Convoy.Lanes.Training;
using Convoy.Metrics;
using Convoy.Training;

namespace Convoy.Cli.Scaling;

/// <summary>The command line's options of a study, and how they become <see cref="SweepSettings"/>.</summary>
internal sealed class ScaleOptionSet
{
    // Passes over drawn data that the longest run makes: drawing takes time too.
    private const int BatchesToDraw = 4;
    private const int LeastFramesToDraw = 48;

    private static readonly string[] NotTaken =
    [
        "--nproc", "--threads", "--precision", "--steps", "--epochs", "--schedule-steps", "--batch-size", "--val", "--val-split", "--checkpoint-every", "--keep-checkpoints",
    ];

    private readonly Option<string> _data = new("--data") { Description = $"The training data in TuSimple's layout, or '{DrawnData.Name}' to draw some.", HelpName = "DIR", DefaultValueFactory = _ => DrawnData.Name };
    private readonly Option<string?> _output = new("--out") { Description = "The study directory: absent, empty, or that of the same study to go on with it. [default: runs/scale-DATE-TIME]", HelpName = "DIR" };
    private readonly Option<string?> _processes = new("--processes") { Description = "Numbers of processes, separated by commas. [default: 1, 2, 4, ... up to the cores]", HelpName = "LIST" };
    private readonly Option<string?> _precision = new("--precision") { Description = "Precisions, separated by commas: fp32, bf16, fp16. [default: fp32, and bf16 where the processor computes in it]", HelpName = "LIST" };
    private readonly Option<string> _threads = new("--threads") { Description = "Numbers of libtorch's threads in each process, separated by commas; auto is cores / processes.", HelpName = "LIST", DefaultValueFactory = _ => "1" };
    private readonly Option<int?> _steps = new("--steps") { Description = "Steps that every run measures. [default: as many as --minutes leaves time for]" };
    private readonly Option<int> _warmup = new("--warmup") { Description = "Steps at the start of every run that do not count.", DefaultValueFactory = _ => 2 };
    private readonly Option<int> _repeats = new("--repeats") { Description = "Runs of each configuration, alternating with those of the others.", DefaultValueFactory = _ => 2 };
    private readonly Option<double> _minutes = new("--minutes") { Description = "Time for all runs together, when --steps is not given.", DefaultValueFactory = _ => 3 };
    private readonly Option<bool> _weak = new("--weak") { Description = "Weak scaling: every process has a batch of its own, instead of a share of the same global batch." };
    private readonly Option<int?> _batchSize = new("--batch-size") { Description = "Images of one step over all processes; with --weak in each process. [default: the smallest multiple of all --processes from 8 up; with --weak 8]" };
    private readonly TrainingOptionSet _training = new(new RunDefaults(MeasuredRunDefaults.Of));

    /// <summary>Adds the options to the verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (Option option in new Option[] { _data, _output, _processes, _precision, _threads, _steps, _warmup, _repeats, _minutes, _weak, _batchSize })
        {
            verb.Options.Add(option);
        }

        _training.AddTo(verb, NotTaken);
    }

    /// <summary>What the command line asks for.</summary>
    /// <exception cref="BadInputException">A value is out of its range.</exception>
    public ScaleRequest Read(ParseResult parsed)
    {
        HostInfo host = HostProbe.Read();
        string data = parsed.GetRequiredValue(_data);
        bool draw = data == DrawnData.Name;
        string name = string.Create(CultureInfo.InvariantCulture, $"scale-{TimeProvider.System.GetLocalNow():yyyyMMdd-HHmmss}");
        var study = new StudyDirectory(parsed.GetValue(_output) ?? Path.Combine("runs", name));
        IReadOnlyList<int> processes = parsed.GetValue(_processes) is { } list
            ? ValueList.Numbers(list, "not a number of processes", "Give --processes numbers from 1, separated by commas.")
            : SweepDefaults.Processes(host.UsableCores);
        var settings = new SweepSettings
        {
            Processes = processes,
            Threads = ValueList.Numbers(
                parsed.GetRequiredValue(_threads), "not a number of threads", "Give --threads numbers from 1, or auto, separated by commas.", ("auto", SweepSettings.AutoThreads)),
            Precisions = parsed.GetValue(_precision) is { } names ? ValueList.Parse(names, PrecisionNames.Parse) : SweepDefaults.Precisions(host.InstructionSets),
            Steps = parsed.GetValue(_steps),
            Warmup = parsed.GetValue(_warmup),
            Repeats = parsed.GetValue(_repeats),
            Minutes = parsed.GetValue(_minutes),
            Weak = parsed.GetValue(_weak),
            BatchSize = 1,
            Machine = host.CpuModel ?? host.Architecture,
            Cores = host.UsableCores,
            Training = _training.Read(parsed, _training.Defaults(draw ? study.SyntheticData : Path.GetFullPath(data), draw)),
        };
        settings.Validate();
        settings = settings with { BatchSize = parsed.GetValue(_batchSize) ?? (settings.Weak ? SweepDefaults.LeastBatch : SweepDefaults.Batch(processes)) };
        settings.Validate();
        return new ScaleRequest(study, settings, draw ? FramesToDraw(settings) : null);
    }

    private static int FramesToDraw(SweepSettings settings) =>
        (int)Math.Max(LeastFramesToDraw, BatchesToDraw * (settings.Weak ? (long)settings.BatchSize * settings.Processes.Max() : settings.BatchSize));
}
