using Convoy.Training.Options;
using Convoy.Training.Runs;
using System.Globalization;
using System.Text.Json;
using Convoy.Metrics;

namespace Convoy.Training.Studies;

/// <summary>
/// Where a study keeps its files; this is the one place that names them. A run is made in <see cref="Unfinished"/> and moved
/// to <see cref="Runs"/> when it is whole, so what lies there counts.
/// </summary>
public sealed class StudyDirectory
{
    /// <summary>Refers to a study directory, which need not exist yet.</summary>
    /// <param name="path">The folder.</param>
    public StudyDirectory(string path)
    {
        Root = Path.GetFullPath(path);
    }

    /// <summary>The folder's absolute path.</summary>
    public string Root { get; }

    /// <summary>The study's settings.</summary>
    public string Settings => Path.Combine(Root, "study.json");

    /// <summary>How fast the machine multiplies matrices, measured once for all runs.</summary>
    public string Peaks => Path.Combine(Root, "peaks.json");

    /// <summary>The runs that are whole, one folder each.</summary>
    public string Runs => Path.Combine(Root, "runs");

    /// <summary>The run that is being made.</summary>
    public string Unfinished => Path.Combine(Root, "unfinished");

    /// <summary>The latest failed run of each configuration, with its logs.</summary>
    public string Failed => Path.Combine(Root, "failed");

    /// <summary>The folder of a whole run.</summary>
    public RunDirectory Run(StudyRun run) => new(Path.Combine(Runs, run.Name));

    /// <summary>Whether <paramref name="run"/> is whole.</summary>
    public bool Has(StudyRun run) => File.Exists(Run(run).Metrics);

    /// <summary>The file of a configuration in the study's form, such as <c>metrics_2_cpus_bf16.json</c>; what all configurations share is left out of its name.</summary>
    public string MetricsFile(StudyConfiguration configuration, StudyPlan plan)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(plan);
        string precision = plan.Configurations.Select(c => c.Precision).Distinct().Count() > 1 ? $"_{configuration.Precision?.Name()}" : string.Empty;
        string threads = plan.Configurations.GroupBy(c => c.Processes).Any(g => g.Select(c => c.Threads).Distinct().Count() > 1)
            ? string.Create(CultureInfo.InvariantCulture, $"_{configuration.Threads}_threads")
            : string.Empty;
        return Path.Combine(Root, string.Create(CultureInfo.InvariantCulture, $"metrics_{configuration.Processes}_cpus{precision}{threads}.json"));
    }

    /// <summary>The settings of the study that is there; null when none is.</summary>
    /// <exception cref="BadInputException">The folder holds something else, or the settings cannot be read.</exception>
    public StudySettings? ReadSettings()
    {
        if (!File.Exists(Settings))
        {
            OutputFolder.RequireEmpty(Root, "Give another --out; a study goes on only in its own folder.");
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(Settings), StudyJson.Default.StudySettings) ?? throw new JsonException("it is empty");
        }
        catch (JsonException error)
        {
            throw new BadInputException("the study's settings cannot be read", Settings, $"Start a new study in another --out: {error.Message}", error);
        }
    }

    /// <summary>The peaks that were measured; null when none were, or the file cannot be read: then they are measured again.</summary>
    public IReadOnlyList<MatrixPeak>? ReadPeaks()
    {
        try
        {
            return File.Exists(Peaks) ? JsonSerializer.Deserialize(File.ReadAllText(Peaks), StudyJson.Default.IReadOnlyListMatrixPeak) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Keeps peaks for all runs of the study, also those that it makes when it goes on.</summary>
    public void WritePeaks(IReadOnlyList<MatrixPeak> peaks) => OutputFile.Write(Peaks, stream => JsonSerializer.Serialize(stream, peaks, StudyJson.Default.IReadOnlyListMatrixPeak));

    /// <summary>Makes the folder and writes the settings.</summary>
    /// <exception cref="BadInputException">They cannot be written.</exception>
    public void Create(StudySettings settings)
    {
        OutputFolder.RequireWritable(Root);
        Directory.CreateDirectory(Runs);
        OutputFile.Write(Settings, stream => JsonSerializer.Serialize(stream, settings, StudyJson.Default.StudySettings));
    }

    /// <summary>A folder for a run that is about to be made; what an interrupted one left is removed.</summary>
    public RunDirectory Begin(StudyRun run)
    {
        ArgumentNullException.ThrowIfNull(run);
        Discard();
        var directory = new RunDirectory(Path.Combine(Unfinished, run.Name));
        directory.Create();
        return directory;
    }

    /// <summary>The run is whole: its metrics say from which step on they count, unless they do already or have no steps, and it joins the others.</summary>
    /// <param name="run">The run that was begun.</param>
    /// <param name="warmupSteps">Steps at its start that do not count.</param>
    /// <param name="peaks">How fast the machine multiplies matrices; null when not measured.</param>
    public void Finish(StudyRun run, int warmupSteps, IReadOnlyList<MatrixPeak>? peaks = null)
    {
        var begun = new RunDirectory(Path.Combine(Unfinished, run.Name));
        RunMetrics metrics = Metrics.MetricsFile.Read(begun.Metrics);
        bool counts = metrics is { WarmupSteps: null, WallTime: null };
        if (counts || peaks is not null)
        {
            Metrics.MetricsFile.Write(begun.Metrics, metrics with
            {
                WarmupSteps = counts ? warmupSteps : metrics.WarmupSteps,
                Host = peaks is not null && metrics.Host is { } host ? host with { MatrixPeaks = peaks } : metrics.Host,
            });
        }

        Directory.Move(begun.Root, Run(run).Root);
        Discard();
    }

    /// <summary>The run failed: what it left is kept where it does not count.</summary>
    /// <returns>The folder.</returns>
    public string Fail(StudyRun run)
    {
        string folder = Path.Combine(Failed, run.Configuration.Name);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        Directory.CreateDirectory(Failed);
        Directory.Move(Path.Combine(Unfinished, run.Name), folder);
        Discard();
        return folder;
    }

    /// <summary>Removes a run that was begun and not finished.</summary>
    public void Discard()
    {
        if (Directory.Exists(Unfinished))
        {
            Directory.Delete(Unfinished, recursive: true);
        }
    }
}
