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
    public void XmlBlocks_OfThePages_Parse() => Assert.All(Documentation.Blocks("xml"), block => Assert.NotNull(XDocument.Parse(block.Text).Root));
}
