using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Convoy.Training.Checkpoints;
using Convoy.Training.Hosts;
using Convoy.Training.Options;
using Convoy.Training.Tasks;

namespace Convoy.Training.Runs;

/// <summary>Where a run keeps its files; this is the one place that names them.</summary>
public sealed partial class RunDirectory
{
    private static readonly JsonSerializerOptions Format = new() { WriteIndented = true };

    private bool _isMade;

    /// <summary>Refers to a run directory, which need not exist yet.</summary>
    /// <param name="path">The folder.</param>
    public RunDirectory(string path)
    {
        Root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
    }

    /// <summary>The folder's absolute path.</summary>
    public string Root { get; }

    /// <summary>Who works in this folder and who elsewhere, where the ranks may be on several hosts; null, the default, for ranks that all work in it.</summary>
    internal SharedFolder? Shared { get; set; }

    /// <summary>The run's settings.</summary>
    public string Config => Path.Combine(Root, "config.json");

    /// <summary>The kernels that the run's convolutions are computed by, where they were measured.</summary>
    public string Kernels => Path.Combine(Root, "kernels.json");

    /// <summary>The metrics of rank 0.</summary>
    public string Metrics => Path.Combine(Root, "metrics.json");

    /// <summary>The checkpoints, one folder each.</summary>
    public string Checkpoints => Path.Combine(Root, "checkpoints");

    /// <summary>Held by the processes that work on the run, see <see cref="RunLock"/>.</summary>
    public string Lock => Path.Combine(Root, "run.lock");

    /// <summary>What TensorBoard shows.</summary>
    public string TensorBoard => Path.Combine(Root, "tensorboard");

    /// <summary>What each rank wrote to its standard output and error.</summary>
    public string Logs => Path.Combine(Root, "logs");

    /// <summary>The time line of a few steps on all ranks, for chrome://tracing or Perfetto.</summary>
    public string Trace => Path.Combine(Root, "trace.json");

    /// <summary>The scores of the validation frames.</summary>
    public string Evaluation => Path.Combine(Root, "evaluation.json");

    /// <summary>The steps that rank <paramref name="rank"/> measured, as they come.</summary>
    public string MetricsLog(int rank) => Path.Combine(Root, string.Create(CultureInfo.InvariantCulture, $"metrics_rank{rank}.jsonl"));

    /// <summary>The run's checkpoint of a step.</summary>
    /// <exception cref="BadInputException">There is none.</exception>
    public Checkpoint CheckpointOf(long step) => Checkpoint.Open(new CheckpointStore(Checkpoints).Find(step));

    /// <summary>The whole checkpoint with the best value of a metric; null when none has one.</summary>
    public Checkpoint? BestCheckpoint(MetricGoal goal) => Checkpoint.Best(Checkpoints, goal);

    /// <summary>
    /// Makes <paramref name="step"/> the step of the newest checkpoint: those that are newer, damaged ones among them, are named
    /// <c>step-000120.set-aside</c> and left to the user. Only for who works on the run.
    /// </summary>
    public void GoBackTo(long step) => new CheckpointStore(Checkpoints).SetAsideAfter(step);

    /// <summary>Whether the run ever took a step.</summary>
    public bool HasSteps => new FileInfo(MetricsLog(0)) is { Exists: true, Length: > 0 };

    /// <summary>Makes the folder for a new run.</summary>
    /// <exception cref="BadInputException">It exists and is not empty, or cannot be written to.</exception>
    public void Create()
    {
        // What a run leaves that was killed before it wrote its configuration blocks nobody.
        if (!Directory.Exists(Root) || Directory.EnumerateFileSystemEntries(Root).Any(entry => entry != Lock && !IsLeftover(entry)))
        {
            OutputFolder.RequireEmpty(Root, "Give another --out, or continue that run with --resume.");
        }

        OutputFolder.RequireWritable(Root);
        _isMade |= !Directory.Exists(Root);
        Directory.CreateDirectory(Root);
    }

    /// <summary>Removes what a killed process left half written. Only for who works on the run.</summary>
    public void RemoveLeftovers()
    {
        new CheckpointStore(Checkpoints).Recover();
        foreach (string entry in Directory.GetFileSystemEntries(Root).Where(IsLeftover))
        {
            Delete(entry);
        }
    }

    /// <summary>Undoes <see cref="Create"/> for a run that never began, and removes what it wrote: <see cref="Create"/> would refuse the folder the next time.</summary>
    public void Remove()
    {
        if (_isMade)
        {
            Directory.Delete(Root, recursive: true);
            return;
        }

        // The folder is the user's, and was empty.
        foreach (string entry in Directory.GetFileSystemEntries(Root))
        {
            Delete(entry);
        }
    }

    /// <summary>Writes <c>config.json</c>.</summary>
    /// <exception cref="BadInputException">The file cannot be written.</exception>
    public void WriteConfig(RunConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        byte[] text = System.Text.Encoding.UTF8.GetBytes(configuration.ToJson().ToJsonString(Format));
        OutputFile.Write(Config, stream => stream.Write(text));
    }

    /// <summary>Reads <c>config.json</c>.</summary>
    /// <exception cref="BadInputException">The folder is no run directory, or its configuration cannot be read.</exception>
    public RunConfiguration ReadConfig()
    {
        if (!File.Exists(Config))
        {
            throw new BadInputException("not a run directory, it has no config.json", Root, "Give the --out of an earlier run.");
        }

        return RunConfiguration.FromJson(SettingsFile.Read(Config, new JsonDocumentOptions { AllowDuplicateProperties = false }), Config);
    }

    // Of a link to a folder only the link.
    private static void Delete(string entry)
    {
        if (Directory.Exists(entry))
        {
            Directory.Delete(entry, recursive: true);
        }
        else
        {
            File.Delete(entry);
        }
    }

    // A file on its way to its name, or drawn data on its way.
    private static bool IsLeftover(string entry) => LeftoverName().IsMatch(Path.GetFileName(entry));

    [GeneratedRegex(@"^(.*\.[0-9a-f]{32}\.tmp|data\.unfinished-[0-9]+)$")]
    private static partial Regex LeftoverName();
}
