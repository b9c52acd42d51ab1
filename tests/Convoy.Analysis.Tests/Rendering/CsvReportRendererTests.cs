using System.Globalization;
using System.Text;
using Convoy.Analysis.Rendering;
using Convoy.Analysis.Reports;

namespace Convoy.Analysis.Tests.Rendering;

public sealed class CsvReportRendererTests
{
    [Fact]
    public void Table_OfAReport_HasItsNumbersAtFullPrecision()
    {
        Report report = StudyReports.Machine();
        using var stream = new MemoryStream();
        new CsvReportRenderer().Render(report, stream);
        string[][] rows = [.. Encoding.UTF8.GetString(stream.ToArray()).TrimEnd().Split('\n').Select(l => l.Split(','))];
        Dictionary<string, int> column = rows[0].Select((name, i) => (name, i)).ToDictionary(c => c.name, c => c.i);

        Assert.Equal(report.Runs.Measurements.Count + 1, rows.Length);
        Assert.All(report.Runs.Measurements.Zip(rows.Skip(1)), pair =>
        {
            (var measured, string[] row) = pair;
            Assert.Equal(measured.Seconds, Value(row, "seconds"));
            Assert.Equal(measured.Interval!.Value.High, Value(row, "seconds_high"));
            Assert.Equal(measured.Usage.CpuSeconds!.Value, Value(row, "cpu_seconds"));
            Assert.Equal((100L << 20) + measured.Configuration.Processes - 1, Value(row, "peak_memory_bytes")); // of the last rank
            Assert.Equal(measured.Seconds, new[] { "data", "forward", "backward", "comm", "wait", "optimizer", "other" }.Sum(p => Value(row, p)), 1e-9);
        });

        double Value(string[] row, string name) => double.Parse(row[column[name]], CultureInfo.InvariantCulture);
    }
}
