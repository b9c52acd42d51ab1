using Convoy.Docs.Tests.Commands;
using Convoy.Docs.Tests.Pages;

namespace Convoy.Docs.Tests;

/// <summary>The commands that the pages give exist: verbs and options as the built program's <c>--help</c> has them, files that are there.</summary>
public sealed class ShellBlockTests
{
    [Fact]
    public void Commands_OfBlocks_NameVerbsAndOptionsThatExist() => Faults.AssertNone(
        from block in Documentation.Blocks("sh")
        from command in ShellCommands.Of(block.Text)
        let fault = ShellCommands.Fault(command)
        where fault is not null
        select $"{block.Place}: {command}: {fault}");

    [Fact]
    public void Commands_InSentences_NameVerbsAndOptionsThatExist() => Faults.AssertNone(
        from page in Documentation.Pages
        from span in page.CodeSpans
        let fault = ShellCommands.Fault(span.Code)
        where fault is not null
        select $"{page.Path}:{span.Line}: {span.Code}: {fault}");

    [Fact]
    public void Commands_OfBlocks_NameFilesThatExist() => Faults.AssertNone(
        from block in Documentation.Blocks("sh")
        from command in ShellCommands.Of(block.Text)
        from path in ShellCommands.Paths(command)
        where !Path.Exists(Path.Combine(Documentation.Root, path))
        select $"{block.Place}: {path} is not there");

    [Theory]
    [InlineData("./convoy launch --nproc 2 -- dotnet run --what-is-this", null)]
    [InlineData("./convoy launch --nproc_per_node=2 -- python3 train.py", null)]
    [InlineData("convoy bench step --what", "convoy bench step has no option --what")]
    [InlineData("convoy lunch --nproc 2", "there is no verb 'lunch'")]
    [InlineData("OMP_NUM_THREADS=1 ./convoy scale --stepz 3", "convoy scale has no option --stepz")]
    [InlineData("dotnet build --nothing", null)]
    public void Fault_OfACommand_NamesWhatThereIsNot(string command, string? fault) => Assert.Equal(fault, ShellCommands.Fault(command));

    [Fact]
    public void Of_ABlock_JoinsContinuedLinesAndDropsComments() =>
        Assert.Equal(["./convoy scale --out study", "ls"], ShellCommands.Of("# first\n./convoy scale \\\n    --out study   # a study\n\nls"));
}
