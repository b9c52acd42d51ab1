using System.Globalization;
using System.Text.RegularExpressions;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Reading;

/// <summary>What a metrics file's name says: <c>Metrics_{n}_cpus.json</c>, <c>metrics_{n}_gpus_{precision}.json</c>, in any case.</summary>
/// <param name="Processes">The number of processes.</param>
/// <param name="Precision">The precision, in lower case; null when the name has none.</param>
internal sealed partial record MetricsFileName(int Processes, string? Precision)
{
    /// <summary>Reads the name; null when it is not of this form.</summary>
    public static MetricsFileName? Parse(string path)
    {
        Match match = Form().Match(Path.GetFileName(path));
        return match.Success && int.TryParse(match.Groups["n"].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n is >= 1 and <= Configuration.MostProcesses
            ? new MetricsFileName(n, match.Groups["precision"] is { Success: true, Value: { } p } ? PrecisionName.Parse(p) : null)
            : null;
    }

    [GeneratedRegex(@"^metrics_(?<n>\d+)_(cpu|gpu)s?(_(?<precision>\w+))?\.json$", RegexOptions.IgnoreCase)]
    private static partial Regex Form();
}
