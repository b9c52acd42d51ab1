using System.Globalization;
using CsvHelper;

namespace Convoy.Analysis.Reading;

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
        char? declared = TakeDeclaredSeparator(lines);
        UncoverHeader(lines, path, declared);

        // Emptied in place, so that the lines keep their numbers.
        string[] kept = [.. lines.Select(line => IsRemark(line) ? "" : line)];
        char separator = declared ?? SeparatorOf(kept);
        TableRow[] rows = [.. Parse(path, kept, separator).Where(row => row.Cells.Any(cell => cell.Length > 0))];
        bool hasHeader = rows.Length > 0 && !TableNumbers.IsLikeOne(rows[0].Cells.First(cell => cell.Length > 0));
        return new CsvTable(path, separator, hasHeader ? rows[0] : null, hasHeader ? rows[1..] : rows);
    }

    private static bool IsRemark(string line) => line.TrimStart().StartsWith('#');

    // Excel's first line "sep=;".
    private static char? TakeDeclaredSeparator(string[] lines)
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
    private static void UncoverHeader(string[] lines, string path, char? declared)
    {
        int first = Array.FindIndex(lines, line => line.Length > 0 && !IsRemark(line));
        if (first < 1 || !IsRemark(lines[first - 1]) || !TableNumbers.IsLikeOne(lines[first].TrimStart(' ', '"')))
        {
            return;
        }

        string[] names = [lines[first - 1].TrimStart(' ', '#'), lines[first]];
        TableRow? header = Parse(path, names[..1], declared ?? SeparatorOf(names)).FirstOrDefault();
        Column[] columns = [.. (header?.Cells ?? []).Select(ColumnName.Parse)];
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
            throw new AnalysisInputException("the quotes in a line do not match", Place(path, error.LineNumber), "Put a cell that contains quotes into quotes, and double its own.", error);
        }
    }

    private static string Place(string path, long line) => string.Create(CultureInfo.InvariantCulture, $"{path}, line {line}");
}

/// <summary>A line of a table.</summary>
/// <param name="Place">The file with the line's number, for messages.</param>
/// <param name="Cells">The cells, without quotes and spaces around them.</param>
internal sealed record TableRow(string Place, IReadOnlyList<string> Cells)
{
    private const int LongestShown = 60;

    /// <summary>A cell; empty where the line ends before it.</summary>
    public string this[int column] => column < Cells.Count ? Cells[column] : "";

    /// <summary>A refusal of one cell.</summary>
    public AnalysisInputException Refuse(string problem, int column, string remedy) => new(problem, $"got '{Shown(this[column])}', {Place}", remedy);

    /// <summary>A text for a message.</summary>
    public static string Shown(string text) => text.Length <= LongestShown ? text : string.Concat(text.AsSpan(0, LongestShown), "...");
}

/// <summary>
/// How a table writes its numbers: with a point, or with a comma where cells are separated by something else. A table
/// that leaves open which of the two it means is refused: a separator of thousands taken for a decimal one is a wrong answer.
/// </summary>
internal sealed class TableNumbers
{
    private readonly NumberFormatInfo _format;

    private TableNumbers(bool hasDecimalComma)
    {
        _format = (NumberFormatInfo)NumberFormatInfo.InvariantInfo.Clone();
        if (hasDecimalComma)
        {
            _format.NumberGroupSeparator = " ";
            _format.NumberDecimalSeparator = ",";
        }
    }

    /// <summary>Finds out how the values of <paramref name="table"/> are written.</summary>
    /// <exception cref="AnalysisInputException">Two ways are mixed, or it is not clear.</exception>
    public static TableNumbers Detect(CsvTable table)
    {
        (TableRow Row, int Column)[] numbers = [.. table.Rows.SelectMany(row => row.Cells.Index().Where(cell => IsLikeOne(cell.Item)).Select(cell => (row, cell.Index)))];
        (TableRow Row, int Column)[] withComma = [.. numbers.Where(n => n.Row[n.Column].Contains(','))];
        if (withComma.Length == 0)
        {
            return new TableNumbers(hasDecimalComma: false);
        }

        (TableRow row, int column) = withComma[0];
        bool hasPoints = numbers.Any(n => n.Row[n.Column].Contains('.'));
        bool maybeThousands = table.Separator != ';' && withComma.All(n => IsInThousands(n.Row[n.Column]));
        return table.Separator == ',' || hasPoints || maybeThousands
            ? throw row.Refuse("it is not clear what the comma in a number means", column, "Write decimals with a point in all lines, and nothing between thousands.")
            : new TableNumbers(hasDecimalComma: true);
    }

    /// <summary>Whether a cell begins as numbers do.</summary>
    public static bool IsLikeOne(string cell)
    {
        string digits = cell.TrimStart('+', '-', '.', ',', ' ');
        return digits.Length > 0 && char.IsAsciiDigit(digits[0]);
    }

    /// <summary>The number in a cell; null when there is none, or it is not finite.</summary>
    public double? Parse(string cell) =>
        double.TryParse(cell, NumberStyles.Float, _format, out double value) && double.IsFinite(value) ? value : null;

    private static bool IsInThousands(string cell)
    {
        string[] groups = cell.Split(',');
        return groups[0].TrimStart('-', '+').Length is >= 1 and <= 3 && groups.Skip(1).All(g => g.Length == 3 && g.All(char.IsAsciiDigit));
    }
}
