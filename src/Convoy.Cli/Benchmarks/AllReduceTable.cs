using System.Globalization;
using Spectre.Console;

namespace Convoy.Cli.Benchmarks;

/// <summary>The report of <c>convoy bench allreduce</c> for people.</summary>
internal static class AllReduceTable
{
    public static void Print(AllReduceReport report, IAnsiConsole console)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("size", "memory");
        foreach (string column in (string[])["median ms", "p10", "p90", "algorithm GB/s", "bus GB/s", "limit ms", "x limit"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach (AllReduceResult result in report.Results)
        {
            table.AddRow(
                MessageSize.Describe(result.Bytes),
                result.Memory,
                Milliseconds(result.MedianSeconds),
                Milliseconds(result.P10Seconds),
                Milliseconds(result.P90Seconds),
                Number(result.AlgorithmGigabytesPerSecond, "0.00"),
                Number(result.BusGigabytesPerSecond, "0.00"),
                result.LimitSeconds is { } limit ? Milliseconds(limit) : "in cache",
                result.TimesLimit is { } times ? Number(times, "0.00") : string.Empty);
        }

        string processes = report.Processes == 1 ? "process" : "processes";
        console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"All-reduce (sum, {report.Dtype}) between {report.Processes} {processes}; times of one call on rank 0, warm-up left out."));
        console.Write(table);
        console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"limit: 2 x {report.Processes} x size at {report.UpdateGigabytesPerSecond:0.0} GB/s, measured with all processes changing memory in place."));
    }

    private static string Milliseconds(double seconds) => Number(seconds * 1e3, seconds < 1e-3 ? "0.0000" : "0.00");

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
