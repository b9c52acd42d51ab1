using Convoy.Docs.Tests.Pages;
using Convoy.Docs.Tests.Snippets;

namespace Convoy.Docs.Tests;

/// <summary>Every block of C# on the pages compiles against the libraries as they are, without warnings.</summary>
public sealed class CSharpBlockTests
{
    public static TheoryData<string> Places() => [.. Documentation.Blocks("csharp").Select(block => block.Place)];

    [Theory]
    [MemberData(nameof(Places))]
    public void Block_OfAPage_Compiles(string place)
    {
        CodeBlock block = Documentation.BlockAt(place);
        Faults.AssertNone(SnippetCompiler.Diagnose(SnippetProgram.Files(block, Documentation.Pages.Single(page => page.Path == block.Page).Blocks)));
    }

    [Fact]
    public void Diagnose_OfAMemberThatIsNotThere_NamesItAndItsLine() => Assert.Contains(
        "page.md:7, line 2 of the block: CS0117: 'ProcessGroups' does not contain a definition for 'FromEnviroment'",
        SnippetCompiler.Diagnose(SnippetProgram.Files(Block("using Convoy.Distributed;\nusing var group = ProcessGroups.FromEnviroment();", context: null), [])));

    [Fact]
    public void Diagnose_OfAnObsoleteOrUnusedThing_GivesTheWarning() => Assert.Contains(
        SnippetCompiler.Diagnose(SnippetProgram.Files(Block("int never = 1;", context: null), [])), line => line.Contains("CS0219", StringComparison.Ordinal));

    [Fact]
    public void Diagnose_OfAPartOfAFile_CountsTheLinesOfThePart() => Assert.Contains(
        SnippetCompiler.Diagnose(SnippetProgram.Files(Block("model.train();\n...\nmodel.tran();", "step"), [])),
        line => line.StartsWith("page.md:7, line 2 of the block: CS1061", StringComparison.Ordinal));

    [Fact]
    public void Files_OfAnUnknownContext_AreRefusedWithThoseThatThereAre() =>
        Assert.Contains("step", Assert.Throws<InvalidDataException>(() => SnippetProgram.Files(Block("", "stop"), [])).Message, StringComparison.Ordinal);

    [Fact]
    public void Files_OfAProgram_AreTakenTogether()
    {
        CodeBlock main = Block("Console.WriteLine(Greeting.Text);", context: null) with { File = "hello/Program.cs" };
        CodeBlock other = Block("internal static class Greeting { public const string Text = \"\"; }", context: null) with { File = "hello/Greeting.cs", Line = 20 };
        Assert.Empty(SnippetCompiler.Diagnose(SnippetProgram.Files(main, [main, other])));
        Assert.NotEmpty(SnippetCompiler.Diagnose(SnippetProgram.Files(main, [main])));
    }

    private static CodeBlock Block(string text, string? context) => new("page.md", 7, "csharp", context, null, text);
}
