using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Xml.Linq;
using Convoy.Docs.Tests.Pages;

namespace Convoy.Docs.Tests;

/// <summary>Blocks of other languages than C# and the shell's are of the language that they say.</summary>
public sealed class DataBlockTests
{
    private static readonly string[] Languages = ["csharp", "sh", "json", "jsonl", "xml", "python", "text"];

    [Fact]
    public void Blocks_OfThePages_NameTheirLanguage() => Faults.AssertNone(
        from page in Documentation.Pages
        from block in page.Blocks
        where !Languages.Contains(block.Language)
        select $"{block.Place}: '{block.Language}' is none of {string.Join(", ", Languages)}");

    [Fact]
    public void JsonBlocks_OfThePages_Parse() => Assert.All(Documentation.Blocks("json", "jsonl"), block =>
    {
        foreach (string document in block.Language == "json" ? [block.Text] : block.Text.Split('\n'))
        {
            using JsonDocument parsed = JsonDocument.Parse(document);
            Assert.NotEqual(JsonValueKind.Undefined, parsed.RootElement.ValueKind);
        }
    });

    [Fact]
    public void PythonBlocks_OfThePages_Parse() => Assert.All(Documentation.Blocks("python"), block =>
    {
        var start = new ProcessStartInfo("python3", ["-c", "import ast, sys; ast.parse(sys.stdin.read())"]) { RedirectStandardInput = true, RedirectStandardError = true };
        using Process? python = Start(start);
        Assert.SkipUnless(python is not null, "python3 is not installed.");
        python!.StandardInput.Write(block.Text);
        python.StandardInput.Close();
        string errors = python.StandardError.ReadToEnd();
        python.WaitForExit();
        Assert.True(python.ExitCode == 0, $"{block.Place}: {errors}");
    });

    [Fact]
    public void XmlBlocks_OfThePages_Parse() => Assert.All(Documentation.Blocks("xml"), block => Assert.NotNull(XDocument.Parse(block.Text).Root));

    private static Process? Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
