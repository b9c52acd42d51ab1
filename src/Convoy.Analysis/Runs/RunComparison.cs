using System.Globalization;
using Convoy.Metrics;

namespace Convoy.Analysis.Runs;

/// <summary>Whether runs measured the same work on the same machine. What would make a wrong table is refused, what may matter is a warning.</summary>
internal sealed record RunComparison(bool IsWeakScaling, IReadOnlyList<string> Warnings)
{
    // What a study varies, and the batch, which has rules of its own.
    private static readonly string[] Configuration = [SettingNames.Processes, SettingNames.Threads, SettingNames.Precision, SettingNames.BatchSize];

    /// <exception cref="AnalysisInputException">There are no runs, or they are not comparable.</exception>
    public static RunComparison Check(IReadOnlyList<Run> runs)
    {
        if (runs.Count == 0)
        {
            throw new AnalysisInputException("there are no runs", "nothing was given", "Give run directories, metrics files or a CSV table.");
        }

        RequireOne(runs, r => r.Basis == TimeBasis.Relative ? "speed-ups" : $"seconds {Wording.WithArticle(r.Basis.Noun(r.SampleNoun))}", "the runs give different kinds of times");
        RequireOne(runs.Where(r => r.Host is not null), r => Machine(r.Host!), "the runs are from different machines");
        foreach (string setting in Settings(runs, SettingEffect.Work))
        {
            RequireOne(runs.Where(r => r.Settings.ContainsKey(setting)), r => r.Settings[setting], $"the runs differ in {setting}");
        }

        RequireOne(runs.Where(r => r.IsWholeProgram), r => r.Work switch { RunWork.Fixed => "fixed work", RunWork.PerProcess => "work in each process", _ => "work that nobody told" }, "the runs are of different work");
        bool weak = RequireBatch(runs) || runs.Any(r => r.Work == RunWork.PerProcess);
        return new RunComparison(weak, [.. Differences(runs)]);
    }

    // One batch size for all (strong scaling), or one per process (weak scaling).
    private static bool RequireBatch(IReadOnlyList<Run> runs)
    {
        Run[] known = [.. runs.Where(r => r.BatchSize is not null)];
        bool sameGlobal = known.Select(r => r.BatchSize).Distinct().Count() <= 1;
        bool sameLocal = known.Length == runs.Count && known.Select(r => (double)r.BatchSize! / r.Configuration.Processes).Distinct().Count() == 1;
        if (!sameGlobal && !sameLocal)
        {
            RequireOne(known, r => Text(r.BatchSize!.Value), "the runs differ in batch size, and not in proportion to their processes");
        }

        return !sameGlobal;
    }

    // Those that some run says have that effect, in the order of the runs' records.
    private static IEnumerable<string> Settings(IReadOnlyList<Run> runs, SettingEffect effect) =>
        runs.SelectMany(r => r.Launch?.Settings ?? []).Where(s => s.Effect == effect).Select(s => s.Name).Distinct().Except(Configuration);

    private static void RequireOne(IEnumerable<Run> runs, Func<Run, string> property, string problem)
    {
        Run[][] groups = [.. runs.GroupBy(property).Select(g => g.ToArray())];
        if (groups.Length > 1)
        {
            throw new AnalysisInputException(
                problem,
                string.Join("; ", groups.Select(g => $"{property(g[0])} in {g[0].Source}{(g.Length > 1 ? $" and {Text(g.Length - 1)} more" : "")}")),
                "Make one report for each kind.");
        }
    }

    private static IEnumerable<string> Differences(IReadOnlyList<Run> runs)
    {
        if (runs.Any(r => r.IsWholeProgram))
        {
            yield return "The program wrote no steps: a time is that of a whole run, from the start of its processes to the end of the last, and starting the program is inside.";
        }

        if (runs.Any(r => r.IsWholeProgram && r.Work is null) && runs.Select(r => r.Configuration.Processes).Distinct().Count() > 1)
        {
            yield return "No speed-ups: nobody said whether the program does the same work with more processes (convoy scale --strong) or every process does as much as one alone (--weak), and its times do not tell.";
        }

        foreach (string setting in Settings(runs, SettingEffect.Speed))
        {
            Run[] known = [.. runs.Where(r => r.Settings.ContainsKey(setting)).DistinctBy(r => r.Settings[setting])];
            if (known.Length > 1)
            {
                yield return $"The runs differ in {setting}: {string.Join("; ", known.Select(r => $"{r.Settings[setting]} in {r.Source}"))}. Part of what the table shows may come from that.";
            }
        }

        Run[] versions = [.. runs.Where(r => r.Host is not null).DistinctBy(r => Versions(r.Host!))];
        if (versions.Length > 1)
        {
            yield return $"The runs were made with different software: {string.Join("; ", versions.Select(r => $"{Versions(r.Host!)} in {r.Source}"))}.";
        }

        int withHost = runs.Count(r => r.Host is not null);
        if (withHost > 0 && withHost < runs.Count)
        {
            yield return $"{Text(runs.Count - withHost)} of {Text(runs.Count)} runs do not say on which machine they were made; they are taken to be from the same one.";
        }
    }

    private static string Machine(HostInfo host) => $"{host.CpuModel ?? "unknown processor"}, {Text(host.LogicalCores)} cores";

    private static string Versions(HostInfo host) => string.Join(", ", host.Versions.OrderBy(v => v.Key, StringComparer.Ordinal).Select(v => $"{v.Key} {v.Value}"));

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
