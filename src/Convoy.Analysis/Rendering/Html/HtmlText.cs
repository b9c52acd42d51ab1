using System.Text;
using Convoy.Analysis.Rendering.Svg;

namespace Convoy.Analysis.Rendering.Html;

/// <summary>A page as text, every element closed: it can be read as XML too.</summary>
internal sealed class HtmlText
{
    private readonly StringBuilder _text = new();

    /// <summary>Text that may stand in an element or an attribute.</summary>
    public static string Escape(string text) => SvgText.Escape(text);

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
