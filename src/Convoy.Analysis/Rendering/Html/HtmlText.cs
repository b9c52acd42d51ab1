using System.Text;
using Convoy.Analysis.Rendering.Charts;
using Convoy.Analysis.Statistics;

namespace Convoy.Analysis.Rendering.Html;

/// <summary>A page as text, every element closed: it can be read as XML too.</summary>
internal sealed class HtmlText
{
    private readonly StringBuilder _text = new();

    /// <summary>Text that may stand in an element or an attribute.</summary>
    public static string Escape(string text) => ChartSvg.Escape(text);

    /// <summary>Markup as it is.</summary>
    public HtmlText Raw(string html)
    {
        _text.Append(html).Append('\n');
        return this;
    }

    /// <summary>An element with text in it.</summary>
    /// <param name="tag">The element's name, with its attributes where it has some.</param>
    /// <param name="content">The text, not escaped yet.</param>
    public HtmlText Element(string tag, string content) => Raw($"<{tag}>{Escape(content)}</{tag.Split(' ')[0]}>");

    /// <summary>A section with its heading.</summary>
    /// <param name="id">The section's id.</param>
    /// <param name="title">The heading.</param>
    /// <param name="content">Writes what is in it.</param>
    public HtmlText Section(string id, string title, Action content)
    {
        Raw($"<section id=\"{id}\" aria-labelledby=\"{id}-title\">");
        Element($"h2 id=\"{id}-title\"", title);
        content();
        return Raw("</section>");
    }

    /// <summary>A list of sentences.</summary>
    public HtmlText List(IEnumerable<string> sentences, string kind = "")
    {
        Raw(kind.Length > 0 ? $"<ul class=\"{kind}\">" : "<ul>");
        foreach (string sentence in sentences)
        {
            Element("li", sentence);
        }

        return Raw("</ul>");
    }

    public override string ToString() => _text.ToString();
}

/// <summary>A table: the first cell of a row is its heading, numbers stand to the right.</summary>
internal sealed class HtmlTable
{
    /// <summary>What stands for a value that is not known.</summary>
    public const string Unknown = "\u2013";

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

    /// <summary>A number as a cell.</summary>
    public static string Cell(int? value) => value is { } number ? Wording.Text($"{number}") : Unknown;

    /// <summary>An interval as a cell.</summary>
    public static string Cell(Interval? interval, Func<double, string> format) => interval?.Text(format) ?? Unknown;

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
