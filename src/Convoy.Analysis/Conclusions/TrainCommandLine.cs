using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Conclusions;

/// <summary>The command line that trains in a measured configuration.</summary>
internal static class TrainCommandLine
{
    private const int UsualBatch = 8;

    // What the runs record, and the option that it came from. All of them change what a step costs.
    private static readonly (string Setting, string Option)[] Options =
    [
        ("encoder", "--encoder"), ("image_size", "--image-size"), ("accumulate", "--accumulate"), ("fuse", "--fuse"),
        ("workers", "--workers"), ("cache", "--cache"), ("channels_last", "--channels-last"),
    ];

    private static readonly (string Setting, string On, string Off)[] Switches = [("sync_bn", "--sync-bn", "--no-sync-bn"), ("augment", "--augment", "--no-augment")];
    private static readonly string[] Precisions = ["fp32", "bf16", "fp16"];

    /// <summary>The command with everything that the runs record. What they do not say is left to the defaults; data that they do not name is <c>DIR</c>.</summary>
    public static string Of(ConfigurationMeasurement measured)
    {
        Configuration configuration = measured.Configuration;
        var words = new List<string> { "convoy", "train", "--data", Data(measured), "--nproc", Number(configuration.Processes) };
        if (configuration.Threads is { } threads)
        {
            words.AddRange("--threads", Number(threads));
        }

        if (Precisions.Contains(configuration.Precision))
        {
            words.AddRange("--precision", configuration.Precision);
        }

        words.AddRange("--batch-size", Number(measured.BatchSize ?? SharedOut(configuration.Processes)));
        foreach ((string setting, string option) in Options)
        {
            if (measured.Setting(setting) is { Length: > 0 } value)
            {
                words.AddRange(option, setting == "cache" ? Quoted(value) : Quoted(value.ToLowerInvariant()));
            }
        }

        words.AddRange(Switches.Select(s => (Value: measured.Setting(s.Setting), s.On, s.Off)).Where(s => s.Value is not null).Select(s => s.Value == "true" ? s.On : s.Off));
        return string.Join(' ', words);
    }

    private static string Data(ConfigurationMeasurement measured) => measured.Setting("data") is { Length: > 0 } data ? Quoted(data) : "DIR";

    // The default batch of 8, or the next larger one that can be shared out equally.
    private static int SharedOut(int processes) => (UsualBatch + processes - 1) / processes * processes;

    private static string Quoted(string word) =>
        word.All(c => char.IsAsciiLetterOrDigit(c) || "/._-,:=+@%".Contains(c, StringComparison.Ordinal)) ? word : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string Number(int value) => Wording.Text($"{value}");
}
