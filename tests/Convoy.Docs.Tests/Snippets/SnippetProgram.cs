using System.Text.RegularExpressions;
using Convoy.Docs.Tests.Pages;

namespace Convoy.Docs.Tests.Snippets;

/// <summary>
/// What is compiled for a block of C#. Without a comment before it, a block is a whole file, as of <c>dotnet new console</c>. After <c>&lt;!-- in: NAME --&gt;</c> it is a part of one:
/// it takes the place of the line <c>// snippet</c> in <c>Contexts/NAME.cs</c>, its using directives go to the top, and lines of <c>...</c> alone, where the reader's own code goes, are left out.
/// After <c>&lt;!-- file: PROGRAM/NAME --&gt;</c> it is one file of a program.
/// </summary>
internal static partial class SnippetProgram
{
    private const string Place = "// snippet";

    private static string Contexts => Path.Combine(Documentation.Root, "tests", "Convoy.Docs.Tests", "Snippets", "Contexts");

    public static IReadOnlyList<(string Name, string Text)> Files(CodeBlock block, IEnumerable<CodeBlock> ofPage)
    {
        if (block.Program is { } program)
        {
            return [.. ofPage.Where(other => other.Language == "csharp" && other.Program == program).Select(other => (other.Place, other.Text))];
        }

        if (block.Context is not { } context)
        {
            return [(block.Place, block.Text)];
        }

        string file = Path.Combine(Contexts, $"{context}.cs");
        string around = File.Exists(file)
            ? File.ReadAllText(file)
            : throw new InvalidDataException($"{block.Place}: there is no context '{context}'. There are: {string.Join(", ", Directory.EnumerateFiles(Contexts, "*.cs").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal))}.");
        string[] lines = block.Text.Split('\n');
        string[] usings = [.. lines.Where(line => Using().IsMatch(line)).Where(line => !around.Contains(line.Split(';')[0] + ";", StringComparison.Ordinal))];
        IEnumerable<string> code = lines.Where(line => !Using().IsMatch(line) && line.Trim() != "...");
        if (!around.Contains(Place, StringComparison.Ordinal))
        {
            throw new InvalidDataException($"{file} has no line '{Place}'.");
        }

        string text = around.Replace(Place, $"\n#line 1 \"{block.Place}\"\n{string.Join('\n', code)}\n#line default", StringComparison.Ordinal);
        return [(block.Place, string.Concat(usings.Select(line => line + "\n")) + text)];
    }

    [GeneratedRegex(@"^using (static )?[\w.]+( = [\w.<>, ]+)?;")]
    private static partial Regex Using();
}
