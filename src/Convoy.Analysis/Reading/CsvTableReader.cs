using System.Globalization;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Reading;

/// <summary>Reads a table <c>processes,seconds[,precision]</c>, with or without that header. Several lines of one configuration are repeats.</summary>
internal static class CsvTableReader
{
    private const int MostProcesses = 1_000_000;

    /// <exception cref="AnalysisInputException">A line is not of that form, or there is none.</exception>
    public static ReadRuns Read(string path)
    {
        string[] lines = File.ReadAllLines(path);
        var runs = new List<Run>();
        bool first = true;
        for (int i = 0; i < lines.Length; i++)
        {
            string[] cells = [.. lines[i].Split(',').Select(c => c.Trim().Trim('"').Trim('\uFEFF'))];
            if (cells is [""] || lines[i].TrimStart().StartsWith('#'))
            {
                continue;
            }

            if (!(first && IsHeader(cells)))
            {
                runs.Add(Row(cells, string.Create(CultureInfo.InvariantCulture, $"{path}, line {i + 1}")));
            }

            first = false;
        }

        return runs.Count > 0
            ? new ReadRuns(runs, [])
            : throw new AnalysisInputException("the table is empty", path, "Give lines of processes,seconds[,precision].");
    }

    private static bool IsHeader(string[] cells) =>
        cells[0].Length > 0 && char.IsLetter(cells[0][0]);

    private static Run Row(string[] cells, string place)
    {
        if (cells.Length is < 2 or > 3)
        {
            throw new AnalysisInputException("not a line of processes,seconds[,precision]", place, "Give two or three values, separated by commas, with a point in decimals.");
        }

        if (!int.TryParse(cells[0], NumberStyles.None, CultureInfo.InvariantCulture, out int processes) || processes is < 1 or > MostProcesses)
        {
            throw new AnalysisInputException("not a number of processes", $"'{cells[0]}', {place}", "Give a whole number from 1.");
        }

        if (!double.TryParse(cells[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) || !double.IsFinite(seconds) || seconds <= 0)
        {
            throw new AnalysisInputException("not a time", $"'{cells[1]}', {place}", "Give seconds above 0, with a point in decimals.");
        }

        return new Run
        {
            Configuration = new Configuration(processes, null, cells.Length == 3 && cells[2].Length > 0 ? cells[2].ToLowerInvariant() : Configuration.DefaultPrecision),
            Source = place,
            Basis = TimeBasis.Run,
            Samples = [seconds],
        };
    }
}
