using System.Text.RegularExpressions;

namespace Convoy.Docs.Tests.Pages;

/// <summary>A Markdown file: its fenced blocks, and outside of them its headings, links and code spans.</summary>
internal sealed partial record MarkdownPage(string Path, IReadOnlyList<CodeBlock> Blocks, IReadOnlySet<string> Anchors, IReadOnlyList<(int Line, string Target)> Links, IReadOnlyList<(int Line, string Code)> CodeSpans)
{
    public static MarkdownPage Parse(string path, string text)
    {
        var blocks = new List<CodeBlock>();
        var anchors = new HashSet<string>();
        var links = new List<(int, string)>();
        var spans = new List<(int, string)>();
        string[] lines = text.Split('\n');
        for (int at = 0; at < lines.Length; at++)
        {
            if (Fence().Match(lines[at]) is { Success: true } fence)
            {
                int end = Array.FindIndex(lines, at + 1, line => line.TrimEnd() == fence.Groups["fence"].Value);
                end = end >= 0 ? end : throw new InvalidDataException($"{path}:{at + 1}: the block has no end.");
                Match comment = at > 0 ? Comment().Match(lines[at - 1]) : Match.Empty;
                string? Said(string key) => comment.Success && comment.Groups["key"].Value == key ? comment.Groups["value"].Value : null;
                blocks.Add(new CodeBlock(path, at + 1, fence.Groups["language"].Value, Said("in"), Said("file"), string.Join('\n', lines[(at + 1)..end])));
                at = end;
                continue;
            }

            if (Heading().Match(lines[at]) is { Success: true } heading)
            {
                string anchor = Anchor(heading.Groups["text"].Value);
                for (int again = 1; !anchors.Add(anchor); again++)
                {
                    anchor = $"{Anchor(heading.Groups["text"].Value)}-{again}";
                }
            }

            spans.AddRange(CodeSpan().Matches(lines[at]).Select(match => (at + 1, match.Groups["code"].Value)));
            links.AddRange(Link().Matches(CodeSpan().Replace(lines[at], "code")).Select(match => (at + 1, match.Groups["target"].Value)));
        }

        return new MarkdownPage(path, blocks, anchors, links, spans);
    }

    /// <summary>GitHub's anchor of a heading: lower case, without punctuation, hyphens for spaces.</summary>
    private static string Anchor(string heading) => NotInAnchors().Replace(LinkText().Replace(heading, "${text}").ToLowerInvariant().Trim(), "").Replace(' ', '-');

    [GeneratedRegex(@"^(?<fence>```+)(?<language>[\w+-]*)\s*$")]
    private static partial Regex Fence();

    [GeneratedRegex(@"^<!-- (?<key>in|file): (?<value>[\w./-]+) -->\s*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^#{1,6} (?<text>.*)$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"`(?<code>[^`]+)`")]
    private static partial Regex CodeSpan();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\[(?<text>[^\]]*)\]\([^)]*\)")]
    private static partial Regex LinkText();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex NotInAnchors();
}
