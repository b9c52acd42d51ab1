using System.Globalization;

namespace Convoy.Analysis.Reading.Tables;

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
    /// <exception cref="AnalysisInputException">Two ways are mixed, or it cannot be told.</exception>
    public static TableNumbers Of(CsvTable table)
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
