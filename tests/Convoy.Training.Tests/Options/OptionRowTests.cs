using System.Text.Json.Nodes;
using Convoy.Training.Options;

namespace Convoy.Training.Tests.Options;

/// <summary>Settings as they are written on a command line.</summary>
public sealed class OptionRowTests
{
    private static readonly OptionTable Table = OptionTable.For(typeof(OptionTableTests.Settings));

    [Theory]
    [InlineData("count", "8", "8")]
    [InlineData("count", "auto", "\"auto\"")]
    [InlineData("seed", "-9223372036854775808", "-9223372036854775808")]
    [InlineData("rate", "1e-3", "0.001")]
    [InlineData("augment", "false", "false")]
    [InlineData("last", "True", "true")]
    [InlineData("mode", "SECOND", "\"second\"")]
    [InlineData("parts", "one,two", "\"one, two\"")]
    [InlineData("parts", "Two", "\"two\"")]
    [InlineData("parts", "none", "\"None\"")]
    [InlineData("note", "", "\"\"")]
    [InlineData("folder_name", "/a/../b", "\"/b\"")]
    [InlineData("limit", "5", "5")]
    [InlineData("day", "2024-02-29", "\"2024-02-29\"")]
    public void Parse_AValue_IsAsConfigJsonHasIt(string setting, string text, string json) => Assert.Equal(json, Table.Find(setting)!.Parse(text)!.ToJsonString());

    [Fact]
    public void Parse_APath_IsAbsolute() => Assert.Equal(Path.GetFullPath("here"), Table.Find("folder_name")!.Parse("here")!.GetValue<string>());

    [Theory]
    [InlineData("count", "0", "--count must be at least 1 and at most 64 (got 0).")]
    [InlineData("count", "2147483648", "the number is too large (--count 2147483648). Give at most 2147483647, or auto.")]
    [InlineData("count", "1,000", "not a whole number (--count 1,000). Write it without separators: --count 1000, or auto.")]
    [InlineData("seed", "auto", "not a whole number (--seed auto). Write a whole number after --seed.")]
    [InlineData("rate", "0,5", "not a number (--rate 0,5). Write a point: --rate 0.5.")]
    [InlineData("rate", "Infinity", "not a finite number (--rate Infinity). Write a number after --rate.")]
    [InlineData("last", "yes", "--last must be true or false (yes). Write true or false after --last.")]
    [InlineData("mode", "1", "--mode must be one of first, second (got 1).")]
    [InlineData("parts", "one,three", "--parts must be names from none, one, two, separated by commas (got one,three).")]
    [InlineData("parts", "", "--parts must be names from none, one, two, separated by commas (got ).")]
    [InlineData("folder_name", "", "--dir is empty (\"\"). Give a path.")]
    [InlineData("day", "tomorrow", "--day must be text in its format (got tomorrow).")]
    public void Parse_NoValueOfTheSetting_IsRefused(string setting, string text, string message) =>
        Assert.Equal(message, Assert.Throws<BadInputException>(() => Table.Find(setting)!.Parse(text)).Message);

    [Theory]
    [InlineData("count", "8", "--count 8")]
    [InlineData("count", "\"auto\"", "--count auto")]
    [InlineData("seed", "-5", "--seed -5")]
    [InlineData("rate", "0.30000000000000004", "--rate 0.30000000000000004")]
    [InlineData("augment", "true", "--augment")]
    [InlineData("augment", "false", "--no-augment")]
    [InlineData("last", "false", "--last false")]
    [InlineData("mode", "\"second\"", "--mode second")]
    [InlineData("parts", "\"one, two\"", "--parts one,two")]
    [InlineData("folder_name", "\"/a b\"", "--dir|/a b")]
    [InlineData("folder_name", "null", "")]
    public void Arguments_OfAValue_AreReadAsTheSameValue(string setting, string json, string words)
    {
        OptionRow row = Table.Find(setting)!;
        var value = JsonNode.Parse(json);
        string[] expected = words.Contains('|') ? words.Split('|') : words.Split(' ', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(expected, row.Arguments(value));
        var reader = new CommandLineReader(Table);
        reader.Read(row.Arguments(value));
        Assert.Equal(json, reader.Settings.TryGetPropertyValue(setting, out JsonNode? read) ? read!.ToJsonString() : "null");
    }

    [Theory]
    [InlineData("count", "as many as there are")]
    [InlineData("rate", "0.5")]
    [InlineData("mode", "first")]
    [InlineData("parts", "none")]
    [InlineData("last", "false")]
    [InlineData("folder_name", "nowhere")]
    [InlineData("limit", "none")]
    public void Default_OfASetting_IsInWords(string setting, string words)
    {
        OptionRow row = Table.Find(setting)!;

        Assert.Equal(words, row.Default(row.Get(new OptionTableTests.Settings())), ignoreCase: true);
    }
}
