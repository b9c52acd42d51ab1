using System.Globalization;
using CsvHelper;

namespace Convoy.Analysis.Reading.Tables;

/// <summary>The cells of a CSV file: separated by commas, semicolons, tabs or bars, quoted where need be; lines that start with # are remarks.</summary>
internal sealed class CsvTable
{
    private const int LongestCell = 1000;
    private const int LinesToJudgeBy = 5;

    // Beside one of these, a comma is a decimal comma.
    private static readonly char[] RareSeparators = ['\t', ';', '|'];

    private CsvTable(string path, char separator, TableRow? header, IReadOnlyList<TableRow> rows)
    {
        Path = path;
        Separator = separator;
        Header = header;
        Rows = rows;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>What separates the cells.</summary>
    public char Separator { get; }

    /// <summary>The columns' names; null when the first line holds values already.</summary>
    public TableRow? Header { get; }

    /// <summary>The lines of values, without empty ones.</summary>
    public IReadOnlyList<TableRow> Rows { get; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="AnalysisInputException">The file is no table; the message names the line.</exception>
    public static CsvTable Read(string path)
    {
        string[] lines = File.ReadAllText(path).TrimStart('\uFEFF').ReplaceLineEndings("\n").Split('\n');
        char? told = TakeToldSeparator(lines);
        UncoverHeader(lines, path, told);

        // Emptied in place, so that the lines keep their numbers.
        string[] kept = [.. lines.Select(line => IsRemark(line) ? "" : line)];
        char separator = told ?? SeparatorOf(kept);
        TableRow[] rows = [.. Parse(path, kept, separator).Where(row => row.Cells.Any(cell => cell.Length > 0))];
        bool hasHeader = rows.Length > 0 && !TableNumbers.IsLikeOne(rows[0].Cells.First(cell => cell.Length > 0));
        return new CsvTable(path, separator, hasHeader ? rows[0] : null, hasHeader ? rows[1..] : rows);
    }

    private static bool IsRemark(string line) => line.TrimStart().StartsWith('#');

    // Excel's first line "sep=;".
    private static char? TakeToldSeparator(string[] lines)
    {
        string first = lines[0].Trim().Trim('"');
        if (first.Length != 5 || !first.StartsWith("sep=", StringComparison.OrdinalIgnoreCase) || !",;|:".Contains(first[4]))
        {
            return null;
        }

        lines[0] = "";
        return first[4];
    }

    // NumPy writes the columns' names as a remark above the values.
    private static void UncoverHeader(string[] lines, string path, char? told)
    {
        int first = Array.FindIndex(lines, line => line.Length > 0 && !IsRemark(line));
        if (first < 1 || !IsRemark(lines[first - 1]) || !TableNumbers.IsLikeOne(lines[first].TrimStart(' ', '"')))
        {
            return;
        }

        string[] names = [lines[first - 1].TrimStart(' ', '#'), lines[first]];
        TableRow? header = Parse(path, names[..1], told ?? SeparatorOf(names)).FirstOrDefault();
        Column[] columns = [.. (header?.Cells ?? []).Select(ColumnName.Of)];
        if (columns.Length > 1 && Array.TrueForAll(columns, column => column.Kind != ColumnKind.Unknown))
        {
            lines[first - 1] = names[0];
        }
    }

    // A separator stands in every line; one in a title or a unit does not.
    private static char SeparatorOf(string[] lines)
    {
        string[] sample = [.. lines.Where(line => !string.IsNullOrWhiteSpace(line)).Take(LinesToJudgeBy).Select(WithoutQuoted)];
        return Array.Find(RareSeparators, separator => sample.Length > 0 && Array.TrueForAll(sample, line => line.Contains(separator))) is var found and not '\0' ? found : ',';
    }

    private static string WithoutQuoted(string line) => string.Concat(line.Split('"').Where((_, i) => i % 2 == 0));

    private static IEnumerable<TableRow> Parse(string path, string[] lines, char separator)
    {
        CsvReaderOptions form = CsvReaderOptions.Default with
        {
            Separator = separator,
            HasHeader = false,
            TrimWhitespace = true,
            TrimInsideQuotes = true,
            TrackLineNumbers = true,
            AllowLineBreaksInQuotes = false,
            MalformedData = CsvMalformedDataHandling.Throw,
        };
        using CsvReader reader = CsvReader.FromText(string.Join('\n', lines), form);
        while (Read(reader, path))
        {
            string[] cells = reader.Current.ToArray();
            yield return Array.TrueForAll(cells, cell => cell.Length <= LongestCell)
                ? new TableRow(Place(path, reader.LineNumber), cells)
                : throw new AnalysisInputException(
                    string.Create(CultureInfo.InvariantCulture, $"a cell has over {LongestCell} characters"), Place(path, reader.LineNumber), "Shorten it, or leave the column out.");
        }
    }

    private static bool Read(CsvReader reader, string path)
    {
        try
        {
            return reader.Read();
        }
        catch (CsvFormatException error)
        {
            throw new AnalysisInputException("the quotes of a line do not fit together", Place(path, error.LineNumber), "Put a cell that holds quotes into quotes, and write its own twice.", error);
        }
    }

    private static string Place(string path, long line) => string.Create(CultureInfo.InvariantCulture, $"{path}, line {line}");
}
