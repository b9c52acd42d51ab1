using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Analysis.Runs;
using Convoy.Metrics;

namespace Convoy.Analysis.Reading;

/// <summary>Reads the <c>metrics.json</c> of a Convoy run and the <c>metrics_rank{r}.jsonl</c> beside it.</summary>
internal static class ConvoyRunReader
{
    private const int LongestSetting = 1000;
    private const int LongestNoun = 40;

    /// <exception cref="AnalysisInputException">A file cannot be understood.</exception>
    public static ReadRuns Read(string path)
    {
        RunMetrics metrics = Parsed(() => MetricsFile.Read(path));
        if (metrics is { WallTime: { } seconds, Metrics.Count: 0 })
        {
            return new ReadRuns([WholeProgram(path, metrics, seconds)], []);
        }

        if (metrics.Metrics is not { Count: > 0 } steps)
        {
            throw new AnalysisInputException("the run has no steps", path, "Leave it out, or let it train for some steps.");
        }

        StepChecks.RequireTimes(steps, i => Place(path, "record", i, steps[i]));
        if (metrics.WarmupSteps is { } warmUp && (warmUp < 0 || warmUp >= steps.Count))
        {
            throw new AnalysisInputException("no steps are left after the warm-up", string.Create(CultureInfo.InvariantCulture, $"warmup_steps {warmUp} of {steps.Count} steps, {path}"), "Let it train for more steps.");
        }

        if (steps.Any(s => s.StepTime is null))
        {
            throw new AnalysisInputException("the steps have no step_time", path, "Leave out the file's \"schema\" when another tool wrote it: then elapsed_time counts.");
        }

        IReadOnlyList<IReadOnlyList<StepMetrics>> otherRanks = OtherRanks(path);
        ArithmeticChecks.Require(metrics, path);
        Dictionary<string, string> settings = Settings(metrics);
        IReadOnlyList<RunPart> parts = RunPart.Split(steps, () => Processes(path, settings), Number(settings, SettingNames.Threads), i => Place(path, "record", i, steps[i]));
        string precision = Precision(path, metrics, settings);
        Run[] runs = [.. parts.Select(part => Part(part) with { Host = metrics.Host, Launch = metrics.Launch, FlopsPerSample = metrics.FlopsPerSample, Kernels = metrics.Kernels, SampleNoun = Noun(metrics.SampleNoun) })];
        return new ReadRuns(
            runs,
            [.. Resumed(runs, parts, path), .. StepChecks.Losses(steps.Select(s => (s.Step, (double?)s.Loss)), path), .. StepChecks.Sums(steps, path)]);

        Run Part(RunPart part)
        {
            var configuration = new Configuration(part.Processes, part.Threads, precision);
            IReadOnlyList<StepMetrics>[] ranks = [part.Steps, .. otherRanks.Select((log, i) => part.StepsOf(i + 1, log)).Where(log => log.Count > 0)];
            int? warmUp = metrics.WarmupSteps < part.Steps.Count ? metrics.WarmupSteps : null;
            return Run.FromSteps(configuration, ranks, Math.Max(1, Number(settings, SettingNames.Accumulate) ?? 1), warmUp) with
            {
                Source = parts.Count == 1 ? path : $"{path}, {part.Name}",
                BatchSize = Batch(path, part.Steps),
                Settings = parts.Count == 1 ? settings : OfPart(settings, configuration),
            };
        }
    }

    private static Run WholeProgram(string path, RunMetrics metrics, double seconds)
    {
        StepChecks.Require(seconds, "wall_time", path, isStep: true);
        Dictionary<string, string> settings = Settings(metrics);
        return new Run
        {
            Configuration = new Configuration(Processes(path, settings), Number(settings, SettingNames.Threads), Precision(path, metrics, settings)),
            Source = path,
            Basis = TimeBasis.Run,
            Samples = [seconds],
            IsWholeProgram = true,
            Work = metrics.Work,
            Settings = settings,
            Host = metrics.Host,
            Launch = metrics.Launch,
            SampleNoun = Noun(metrics.SampleNoun),
        };
    }

    // The configuration file says what the last part had.
    private static Dictionary<string, string> OfPart(Dictionary<string, string> settings, Configuration configuration)
    {
        var own = new Dictionary<string, string>(settings) { [SettingNames.Processes] = configuration.Processes.ToString(CultureInfo.InvariantCulture) };
        if (configuration.Threads is { } threads)
        {
            own[SettingNames.Threads] = threads.ToString(CultureInfo.InvariantCulture);
        }

        return own;
    }

    private static IEnumerable<string> Resumed(IReadOnlyList<Run> runs, IReadOnlyList<RunPart> parts, string path)
    {
        if (parts.Count > 1)
        {
            yield return $"The run was resumed with other settings, and its parts count as runs of their own: {string.Join("; ", parts.Zip(runs, (part, run) => $"{part.Name} with {run.Configuration}"))} ({path}).";
        }
    }

    // Those of ranks 1, 2, ...: a rank without steps has an empty place.
    private static List<IReadOnlyList<StepMetrics>> OtherRanks(string path)
    {
        var ranks = new List<IReadOnlyList<StepMetrics>>();

        // Only a run directory's metrics.json has its ranks' logs beside it.
        for (int rank = 1; Path.GetFileName(path) == "metrics.json" && Log(path, rank) is { } log; rank++)
        {
            int number = rank;
            IReadOnlyList<StepMetrics> steps = Parsed(() => RecordedSteps.Read(log, number)).Steps;
            StepChecks.RequireTimes(steps, i => Place(log, "line", i, steps[i]));
            ranks.Add(steps);
        }

        return ranks;
    }

    private static string? Log(string path, int rank)
    {
        string log = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, string.Create(CultureInfo.InvariantCulture, $"metrics_rank{rank}.jsonl"));
        return File.Exists(log) ? log : null;
    }

    private static int Processes(string path, Dictionary<string, string> settings) =>
        Number(settings, SettingNames.Processes) ?? MetricsFileName.Parse(path)?.Processes
        ?? throw new AnalysisInputException("the run does not say how many processes it had", path, "Name the file metrics_{n}_cpus.json.");

    private static string Precision(string path, RunMetrics metrics, Dictionary<string, string> settings) =>
        settings.TryGetValue(SettingNames.Precision, out string? recorded)
            ? PrecisionName.Parse(recorded) ?? throw new AnalysisInputException("precision must be a name", $"got '{Shown(recorded)}', {path}", $"Understood are {PrecisionName.Known}.")
            : MetricsFileName.Parse(path)?.Precision ?? (metrics.Launch is { Program.Count: > 0 } ? Configuration.OwnPrecision : Configuration.DefaultPrecision);

    private static int Batch(string path, IReadOnlyList<StepMetrics> steps)
    {
        int[] sizes = [.. steps.Select(s => s.BatchSize).Distinct()];
        return sizes.Length == 1
            ? sizes[0]
            : throw new AnalysisInputException("the batch size changes within the run", $"{string.Join(" and ", sizes)} in {path}", "Measure with one batch size.");
    }

    // What the launch says of a setting counts more: config has it as the program needs it, a folder of the run's own, say.
    private static Dictionary<string, string> Settings(RunMetrics metrics)
    {
        Dictionary<string, string> settings = metrics.Config?.Where(p => p.Value is JsonValue).ToDictionary(p => p.Key, p => Shown(p.Value!.ToString())) ?? [];
        foreach (SettingRecord setting in metrics.Launch?.Settings ?? [])
        {
            if (setting.Value is { } value)
            {
                settings[setting.Name] = Shown(value);
            }
        }

        return settings;
    }

    // Reports make the plural by an s; programs record either.
    private static string Noun(string? recorded) =>
        recorded is not { Length: > 1 and <= LongestNoun } || !recorded.All(c => char.IsLetter(c) || c is ' ' or '-') ? Run.DefaultSampleNoun
        : recorded.EndsWith('s') ? recorded[..^1]
        : recorded;

    // Settings differ within this length, and messages and tables show them.
    private static string Shown(string text) => text.Length <= LongestSetting ? text : string.Concat(text.AsSpan(0, LongestSetting), "...");

    private static int? Number(Dictionary<string, string> settings, string name) =>
        settings.TryGetValue(name, out string? text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value is >= 1 and <= Configuration.MostProcesses ? value : null;

    private static T Parsed<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (MetricsFormatException error)
        {
            throw new AnalysisInputException("a metrics file cannot be read", error.Message.TrimEnd('.'), "Leave the run out, or measure it again.", error);
        }
    }

    private static string Place(string path, string kind, int index, StepMetrics step) =>
        string.Create(CultureInfo.InvariantCulture, $"{path}, {kind} {index + 1}, step {step.Step}");
}

/// <summary>The steps of a run that were taken with the same processes and threads: a run that was resumed with others has several parts.</summary>
/// <param name="Processes">How many processes took the steps.</param>
/// <param name="Threads">Threads of each of them; null when not recorded.</param>
/// <param name="Steps">Rank 0's steps, at least one.</param>
internal sealed record RunPart(int Processes, int? Threads, IReadOnlyList<StepMetrics> Steps)
{
    /// <summary>Which steps these are, for messages.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"steps {Steps[0].Step} to {Steps[^1].Step}");

    /// <summary>Cuts a run's steps wherever their processes or threads change.</summary>
    /// <param name="steps">Rank 0's steps.</param>
    /// <param name="processes">What the run's configuration says, for steps that do not.</param>
    /// <param name="threads">The same of threads.</param>
    /// <param name="place">Where a step stands, for messages.</param>
    /// <exception cref="AnalysisInputException">A step's processes or threads are outside their range.</exception>
    public static IReadOnlyList<RunPart> Split(IReadOnlyList<StepMetrics> steps, Func<int> processes, int? threads, Func<int, string> place)
    {
        var parts = new List<RunPart>();
        int start = 0;
        for (int i = 0; i < steps.Count; i++)
        {
            Require("world_size", steps[i].WorldSize, place(i));
            Require("threads", steps[i].Threads, place(i));
            bool isLast = i + 1 == steps.Count || steps[i + 1].WorldSize != steps[i].WorldSize || steps[i + 1].Threads != steps[i].Threads;
            if (isLast)
            {
                parts.Add(new RunPart(steps[i].WorldSize ?? processes(), steps[i].Threads ?? threads, [.. steps.Skip(start).Take(i + 1 - start)]));
                start = i + 1;
            }
        }

        return Joined(parts);
    }

    /// <summary>Those steps of another rank's log that belong to this part: logs of ranks that a resumed run no longer has stay in its folder.</summary>
    public IReadOnlyList<StepMetrics> StepsOf(int rank, IEnumerable<StepMetrics> log) => rank >= Processes
        ? []
        : [.. log.Where(s => s.Step >= Steps[0].Step && s.Step <= Steps[^1].Step && (s.WorldSize ?? Processes) == Processes)];

    // Steps that say what the configuration says, beside steps that say nothing, are one part.
    private static List<RunPart> Joined(List<RunPart> parts)
    {
        var joined = new List<RunPart>();
        foreach (RunPart part in parts)
        {
            if (joined.Count > 0 && joined[^1].Processes == part.Processes && joined[^1].Threads == part.Threads)
            {
                joined[^1] = part with { Steps = [.. joined[^1].Steps, .. part.Steps] };
            }
            else
            {
                joined.Add(part);
            }
        }

        return joined;
    }

    private static void Require(string name, int? value, string place)
    {
        if (value is < 1 or > Configuration.MostProcesses)
        {
            throw new AnalysisInputException($"{name} must be from 1 to 1000000", string.Create(CultureInfo.InvariantCulture, $"got {value}, {place}"), "Leave the run out, or measure it again.");
        }
    }
}
