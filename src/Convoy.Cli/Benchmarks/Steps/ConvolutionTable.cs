using Spectre.Console;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>What computed a configuration's convolutions, for people: layers of the same sizes together, a line for each pass.</summary>
internal static class ConvolutionTable
{
    // What comes after them is far slower; --json has all.
    private const int MostOthers = 3;

    /// <summary>Makes the table.</summary>
    /// <param name="passes">The passes, layer by layer.</param>
    public static Table Of(IReadOnlyList<ConvolutionPassTime> passes)
    {
        Table table = new Table().Border(TableBorder.Simple).AddColumns("convolution", "pass", "kernel");
        foreach (string column in (string[])["ms", "GFLOP/s", "% of peak"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        table.AddColumn("others, ms");
        foreach (IGrouping<string, ConvolutionPassTime> sizes in passes.GroupBy(pass => pass.Sizes))
        {
            string[] layers = [.. sizes.Select(pass => pass.Layer).Distinct()];
            string[] left = [Named(layers), sizes.Key];
            foreach ((int i, ConvolutionPassTime pass) in sizes.DistinctBy(pass => pass.Pass).Index())
            {
                table.AddRow(
                    Markup.Escape(i < left.Length ? left[i] : string.Empty), pass.Pass, Markup.Escape(pass.Kernel), Number(pass.Seconds * 1e3, "0.00"), Number(pass.GflopPerSecond, "0"), Number(pass.ShareOfPeak * 100, "0"),
                    Markup.Escape(string.Join(", ", (pass.OtherSeconds ?? new Dictionary<string, double>()).Take(MostOthers).Select(other => $"{other.Key} {Number(other.Value * 1e3, "0.00")}"))));
            }
        }

        return table;
    }

    private static string Named(string[] layers) => layers.Length == 1 ? layers[0] : FormattableString.Invariant($"{layers[0]} and {layers.Length - 1} more");

    private static string Number(double? value, string format) => value?.ToString(format, System.Globalization.CultureInfo.InvariantCulture) ?? string.Empty;
}
