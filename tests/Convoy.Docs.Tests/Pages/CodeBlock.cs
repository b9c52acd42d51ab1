namespace Convoy.Docs.Tests.Pages;

/// <summary>A fenced block of a page, with the HTML comment before it that says how it is meant.</summary>
/// <param name="Page">The page's path from the root.</param>
/// <param name="Line">The line of the opening fence, from 1.</param>
/// <param name="Language">What stands behind the fence; empty for nothing.</param>
/// <param name="Context"><c>&lt;!-- in: NAME --&gt;</c>: the file of Snippets/Contexts that stands around the block; null for none.</param>
/// <param name="File"><c>&lt;!-- file: PROGRAM/NAME --&gt;</c>: the block is that file of a program, and all of the page's blocks of that program are compiled together; null for none.</param>
/// <param name="Text">The block's lines.</param>
internal sealed record CodeBlock(string Page, int Line, string Language, string? Context, string? File, string Text)
{
    public string Place => $"{Page}:{Line}";

    /// <summary>The program that the block is a file of.</summary>
    public string? Program => File?.Split('/')[0];
}
