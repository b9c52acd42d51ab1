namespace Convoy.Analysis.Reading.Tables;

/// <summary>A line of a table.</summary>
/// <param name="Place">The file with the line's number, for messages.</param>
/// <param name="Cells">The cells, without quotes and spaces around them.</param>
internal sealed record TableRow(string Place, IReadOnlyList<string> Cells)
{
    private const int LongestShown = 60;

    /// <summary>A cell; empty where the line ends before it.</summary>
    public string this[int column] => column < Cells.Count ? Cells[column] : "";

    /// <summary>A refusal of one cell.</summary>
    public AnalysisInputException Refuse(string what, int column, string remedy) => new(what, $"'{Shown(this[column])}', {Place}", remedy);

    /// <summary>A text for a message.</summary>
    public static string Shown(string text) => text.Length <= LongestShown ? text : string.Concat(text.AsSpan(0, LongestShown), "...");
}
