using Convoy.Analysis.Runs;
using Convoy.Metrics;

namespace Convoy.Analysis.Conclusions;

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
        return string.Join(' ', launch.Command.Concat(launch.Settings.SelectMany(setting => Arguments(setting, measured))).Concat(program).Select(Quoted));
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

    private static string Quoted(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "/._-,:=+@%".Contains(c, StringComparison.Ordinal)) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
