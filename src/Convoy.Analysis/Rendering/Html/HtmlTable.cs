namespace Convoy.Analysis.Rendering.Html;

/// <summary>A table: the first cell of a row is its heading, numbers stand to the right.</summary>
internal sealed class HtmlTable
{
    private readonly string _caption;
    private readonly string[] _headers;
    private readonly bool[] _isText;
    private readonly List<(string[] Cells, bool IsMarked)> _rows = [];

    /// <param name="caption">What the table shows, for those who do not see what is around it.</param>
    /// <param name="headers">The column heads; one that starts with <c>&lt;</c> is a column of text, the others are of numbers.</param>
    public HtmlTable(string caption, params string[] headers)
    {
        _caption = caption;
        _isText = [.. headers.Select(h => h.StartsWith('<'))];
        _headers = [.. headers.Select(h => h.TrimStart('<'))];
    }

    public void Add(params string[] cells) => _rows.Add((cells, false));

    /// <summary>Adds a row that stands out.</summary>
    public void AddMarked(params string[] cells) => _rows.Add((cells, true));

    public void WriteTo(HtmlText html)
    {
        // The frame scrolls where the table is wider than the screen, by the keyboard too.
        html.Raw($"<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{HtmlText.Escape(_caption)}\"><table>")
            .Element("caption", _caption)
            .Raw($"<thead><tr>{string.Concat(_headers.Select((h, i) => $"<th scope=\"col\"{Kind(i)}>{HtmlText.Escape(h)}</th>"))}</tr></thead>")
            .Raw("<tbody>");
        foreach ((string[] cells, bool marked) in _rows)
        {
            html.Raw($"<tr{(marked ? " class=\"marked\"" : "")}>{string.Concat(cells.Select((c, i) => i == 0 ? $"<th scope=\"row\"{Kind(i)}>{HtmlText.Escape(c)}</th>" : $"<td{Kind(i)}>{HtmlText.Escape(c)}</td>"))}</tr>");
        }

        html.Raw("</tbody></table></div>");
    }

    private string Kind(int column) => _isText[column] ? "" : " class=\"number\"";
}
