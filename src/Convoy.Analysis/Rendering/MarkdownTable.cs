using System.Text;

namespace Convoy.Analysis.Rendering;

/// <summary>A Markdown table whose source can be read too: columns padded, numbers to the right.</summary>
internal sealed class MarkdownTable
{
    private readonly List<string[]> _rows = [];
    private readonly bool[] _isText;

    /// <param name="headers">The column heads; one that starts with <c>&lt;</c> is a column of text, the others are of numbers.</param>
    public MarkdownTable(params string[] headers)
    {
        _isText = [.. headers.Select(h => h.StartsWith('<'))];
        _rows.Add([.. headers.Select(h => h.TrimStart('<'))]);
    }

    public void Add(params string[] cells) => _rows.Add([.. cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal))]);

    public void AppendTo(StringBuilder text)
    {
        int[] widths = [.. Enumerable.Range(0, _isText.Length).Select(c => Math.Max(3, _rows.Max(r => r[c].Length)))];
        for (int r = 0; r < _rows.Count; r++)
        {
            text.Append("| ").AppendJoin(" | ", _rows[r].Select((cell, c) => _isText[c] ? cell.PadRight(widths[c]) : cell.PadLeft(widths[c]))).Append(" |\n");
            if (r == 0)
            {
                text.Append('|').AppendJoin('|', widths.Select((w, c) => _isText[c] ? new string('-', w + 2) : new string('-', w + 1) + ':')).Append("|\n");
            }
        }

        text.Append('\n');
    }
}
