using Convoy.Analysis.Runs;
using Convoy.Metrics;

namespace Convoy.Analysis.Conclusions;

/// <summary>Which configuration to use.</summary>
/// <param name="Configuration">The best balance: the smallest within 5 % of the fastest.</param>
/// <param name="Fastest">The fastest.</param>
/// <param name="FastestGain">The share of time that the fastest saves against the recommended one; 0 when they are the same.</param>
/// <param name="IsCertain">Whether that difference is larger than the noise; true where noise is not known.</param>
/// <param name="Reason">Why, in one sentence.</param>
/// <param name="Command">The command line that trains in the recommended configuration; null when the runs did not record how they were started.</param>
public sealed record Recommendation(Configuration Configuration, Configuration Fastest, double FastestGain, bool IsCertain, string Reason, string? Command)
{
    /// <summary>How much slower than the fastest the recommended configuration may be.</summary>
    public const double Tolerance = 0.05;

    /// <summary>The rule in words.</summary>
    public const string Rule = "smallest configuration within 5 % of the fastest";

    /// <summary>Chooses among all configurations; the smallest is the one with the fewest processes, then the fewest threads.</summary>
    /// <param name="runs">What was measured.</param>
    public static Recommendation Choose(RunSet runs)
    {
        ArgumentNullException.ThrowIfNull(runs);
        ConfigurationMeasurement fastest = runs.Measurements.MinBy(Work)!;
        if (!runs.HasComparableWork)
        {
            return new Recommendation(fastest.Configuration, fastest.Configuration, 0, IsCertain: true, "It took the least time. Whether it did as much as the others is not known, so none is recommended.", null);
        }

        double limit = Work(fastest) * (1 + Tolerance);
        ConfigurationMeasurement chosen = runs.Measurements
            .Where(m => Work(m) <= limit)
            .OrderBy(m => m.Configuration.Processes)
            .ThenBy(m => m.Configuration.Threads)
            .ThenBy(Work)
            .First();
        double gain = 1 - (Work(fastest) / Work(chosen));
        bool certain = chosen == fastest || fastest.Interval is not { } one || chosen.Interval is not { } other || one.High < other.Low || other.High < one.Low;
        return new Recommendation(chosen.Configuration, fastest.Configuration, gain, certain, Why(runs, chosen, fastest, gain), StartCommand.For(chosen));
    }

    private static double Work(ConfigurationMeasurement measured) => measured.Seconds / (measured.WorkUnits ?? 1);

    private static string Why(RunSet runs, ConfigurationMeasurement chosen, ConfigurationMeasurement fastest, double gain)
    {
        if (runs.Measurements.Count == 1)
        {
            return "It is the only configuration that was measured.";
        }

        if (chosen == fastest)
        {
            return $"{chosen.Configuration} is the fastest, and no smaller configuration comes within {Wording.Percent(Tolerance)} of it.";
        }

        int more = fastest.Configuration.Processes - chosen.Configuration.Processes;
        string effort = more > 0
            ? Wording.Text($"with {more} more {(more == 1 ? "process" : "processes")}")
            : "with more threads";
        return $"{fastest.Configuration} is the fastest, but gains only {Wording.Percent(gain)} over {chosen.Configuration} {effort}.";
    }
}

/// <summary>The command line that starts a measured configuration again, from what its runs recorded.</summary>
internal static class StartCommand
{
    /// <summary>The command for a POSIX shell; null when the runs did not record how they were started.</summary>
    public static string? For(ConfigurationMeasurement measured)
    {
        if (measured.Launch is not { } launch)
        {
            return null;
        }

        IEnumerable<string> program = launch.Program.Count > 0 ? ["--", .. launch.Program] : [];
        return ShellCommand.Join(launch.Command.Concat(launch.Settings.SelectMany(setting => Arguments(setting, measured))).Concat(program));
    }

    // A part of a run that was resumed had other processes and threads than the record, which is that of the last part.
    private static IReadOnlyList<string> Arguments(SettingRecord setting, ConfigurationMeasurement measured)
    {
        int? value = setting.Name switch
        {
            SettingNames.Processes => measured.Configuration.Processes,
            SettingNames.Threads => measured.Configuration.Threads,
            _ => null,
        };
        if (value is not { } number || setting.Option is not { } option)
        {
            return setting.Arguments;
        }

        string wanted = Wording.Text($"{number}");
        return setting.Arguments.Contains(wanted) || setting.Arguments.Contains($"{option}={wanted}") ? setting.Arguments : [option, wanted];
    }
}
