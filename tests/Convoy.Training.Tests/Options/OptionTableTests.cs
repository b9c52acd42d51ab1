using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Convoy.Metrics;
using Convoy.Training.Options;

namespace Convoy.Training.Tests.Options;

public sealed class OptionTableTests
{
    private static readonly OptionTable Table = OptionTable.For(typeof(Settings));

    [Fact]
    public void For_AType_HasARowForEachOption()
    {
        Assert.Equal(
            [
                ("count", "--count", "Count"), ("seed", "--seed", "Seed"), ("rate", "--rate", "Rate"), ("margin", "--margin", "Margin"), ("augment", "--augment", "Augment"), ("last", "--last", "Last"),
                ("mode", "--mode", "Mode"), ("parts", "--parts", "Parts"), ("note", "--note", "Note"), ("folder_name", "--dir", "FolderName"), ("limit", "--limit", "Limit"), ("day", "--day", "Day"),
            ],
            Table.Rows.Select(row => (row.Setting, row.Name, row.Property)));
        Assert.Null(Table.Find("not_a_setting"));

        OptionRow folder = Table.Find("folder_name")!;
        Assert.Equal(("Where.", "DIR", "place", SettingEffect.Speed, true, true), (folder.Help, folder.Value, folder.Label, folder.Effect, folder.IsPath, folder.IsNullable));
        Assert.Equal((typeof(long), true, false), (Table.Find("limit")!.Type, Table.Find("limit")!.IsNullable, Table.Find("count")!.IsNullable));
        Assert.Equal((true, false, "--no-augment"), (Table.Find("augment")!.IsSwitch, Table.Find("last")!.IsSwitch, Table.Find("augment")!.OffName));
    }

    [Fact]
    public void ToJson_AnObject_IsWhatApplySets()
    {
        var settings = new Settings
        {
            Count = 3, Seed = long.MinValue, Rate = 0.1 + 0.2, Margin = -1e-300, Augment = false, Last = true, Mode = Mode.SecondOne, Parts = Parts.One | Parts.Two, Note = "ü \"x\"", FolderName = "/a b",
            Limit = 1L << 50, Day = new DateOnly(2024, 2, 29),
        };
        string json = Table.ToJson(settings).ToJsonString();
        var read = new Settings();

        Table.Apply(read, JsonNode.Parse(json)!.AsObject());

        Assert.Equal(settings, read);
        Assert.Equal(
            ["3", "-9223372036854775808", "0.30000000000000004", "-1E-300", "False", "True", "second", "one, two", "ü \"x\"", "/a b", "1125899906842624", "2024-02-29"],
            JsonNode.Parse(json)!.AsObject().Select(entry => entry.Value!.GetValueKind() is System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False ? entry.Value.GetValue<bool>().ToString() : entry.Value.ToString()));
    }

    [Fact]
    public void ToJson_Defaults_HaveNullsAndTheWordForAutomaticNumbers()
    {
        JsonObject json = Table.ToJson(new Settings());

        Assert.Equal("auto", json["count"]!.GetValue<string>());
        Assert.Null(json["folder_name"]);
        Assert.Null(json["limit"]);
        var read = new Settings { Count = 5, FolderName = "x", Limit = 3 };
        Table.Apply(read, json);
        Assert.Equal(new Settings(), read);
    }

    [Fact]
    public void Apply_SomeValues_LeavesTheOthersAndPassesOverOtherNames()
    {
        var settings = new Settings { Rate = 3 };

        Table.Apply(settings, new JsonObject { ["seed"] = 7, ["batch_size"] = 4 });

        Assert.Equal(new Settings { Rate = 3, Seed = 7 }, settings);
    }

    [Theory]
    [InlineData("""{"count":"many"}""", "count in FILE must be a whole number (got many).")]
    [InlineData("""{"count":0}""", "count in FILE must be at least 1 and at most 64 (got 0).")]
    [InlineData("""{"count":1.5}""", "count in FILE must be a whole number (got 1.5).")]
    [InlineData("""{"count":4294967296}""", "count in FILE must be a whole number (got 4294967296).")]
    [InlineData("""{"seed":null}""", "seed in FILE must be a whole number (got null).")]
    [InlineData("""{"rate":"fast"}""", "rate in FILE must be a number (got fast).")]
    [InlineData("""{"augment":"yes"}""", "augment in FILE must be true or false (got yes).")]
    [InlineData("""{"augment":1}""", "augment in FILE must be true or false (got 1).")]
    [InlineData("""{"mode":"third"}""", "mode in FILE must be one of first, second (got third).")]
    [InlineData("""{"mode":1}""", "mode in FILE must be one of first, second (got 1).")]
    [InlineData("""{"mode":"1"}""", "mode in FILE must be one of first, second (got 1).")]
    [InlineData("""{"parts":"one, three"}""", "parts in FILE must be names from none, one, two, separated by commas (got one, three).")]
    [InlineData("""{"parts":3}""", "parts in FILE must be names from none, one, two, separated by commas (got 3).")]
    [InlineData("""{"note":null}""", "note in FILE must be text (got null).")]
    [InlineData("""{"note":["a"]}""", "note in FILE must be text (got [\"a\"]).")]
    [InlineData("""{"day":"soon"}""", "day in FILE must be text in its format (got soon).")]
    public void Apply_AValueOfAnotherKind_IsRefused(string json, string message) =>
        Assert.Equal(message, Assert.Throws<BadInputException>(() => Table.Apply(new Settings(), JsonNode.Parse(json)!.AsObject(), " in FILE")).Message);

    public static TheoryData<string, string, object> Outside => new()
    {
        { "--count must be at least 1 and at most 64 (got 0).", "Count must be at least 1 and at most 64 (got 0).", new Settings { Count = 0 } },
        { "--count must be at least 1 and at most 64 (got 65).", "Count must be at least 1 and at most 64 (got 65).", new Settings { Count = 65 } },
        { "--rate must be above 0 and below 1000 (got 0).", "Rate must be above 0 and below 1000 (got 0).", new Settings { Count = 1, Rate = 0 } },
        { "--rate must be above 0 and below 1000 (got 1000).", "Rate must be above 0 and below 1000 (got 1000).", new Settings { Count = 1, Rate = 1000 } },
        { "--rate must be above 0 and below 1000 (got NaN).", "Rate must be above 0 and below 1000 (got NaN).", new Settings { Count = 1, Rate = double.NaN } },
        { "--margin must be a finite number (got -Infinity).", "Margin must be a finite number (got -Infinity).", new Settings { Count = 1, Margin = double.NegativeInfinity } },
        { "--limit must be at least 0.5 and at most 1125899906842624 (got 0).", "Limit must be at least 0.5 and at most 1125899906842624 (got 0).", new Settings { Count = 1, Limit = 0 } },
    };

    [Theory]
    [MemberData(nameof(Outside), DisableDiscoveryEnumeration = true)]
    public void Validate_OutsideTheRange_NamesTheSettingAsItsUserDoes(string option, string property, object settings)
    {
        Assert.Equal(option, Assert.Throws<BadInputException>(() => Table.Validate(settings, asOptions: true)).Message);
        Assert.Equal(property, Assert.Throws<BadInputException>(() => Table.Validate(settings, asOptions: false)).Message);
    }

    [Fact]
    public void Validate_AtTheEnds_IsFine()
    {
        Table.Validate(new Settings { Count = 1, Rate = double.Epsilon, Limit = null }, asOptions: true);
        Table.Validate(new Settings { Count = 64, Rate = 999.999, Limit = 1L << 50 }, asOptions: true);
    }

    [Theory]
    [InlineData("{}", null)]
    [InlineData("""{"seed":1,"mode":"first"}""", null)]
    [InlineData("""{"seed":1,"sed":2}""", "unknown setting (sed). Did you mean seed?")]
    [InlineData("""{"colour":2}""", "unknown setting (colour). The task has count, seed, rate, margin, augment, last, mode, parts, note, folder_name, limit, day.")]
    public void RequireKnown_Names_RefusesTheFirstThatNoSettingHas(string json, string? message) => Assert.Equal(
        message,
        (Record.Exception(() => Table.RequireKnown(JsonNode.Parse(json)!.AsObject())) as BadInputException)?.Message);

    internal sealed record Settings
    {
        [Option("How many.", Minimum = 1, Maximum = 64, IsAutomatic = true, Otherwise = "as many as there are")]
        public int Count { get; set; }

        [Option("Seed.")]
        public long Seed { get; set; }

        [Option("Rate.", Minimum = 0, AboveMinimum = true, Maximum = 1000, BelowMaximum = true, Effect = SettingEffect.Work)]
        public double Rate { get; set; } = 0.5;

        [Option("Margin.")]
        public double Margin { get; set; }

        [Option("Change pictures.")]
        public bool Augment { get; set; } = true;

        [Option("Channels innermost.", TakesBoolean = true)]
        public bool Last { get; set; }

        [Option("Mode.")]
        public Mode Mode { get; set; }

        [Option("Parts.")]
        public Parts Parts { get; set; }

        [Option("Note.")]
        public string Note { get; set; } = string.Empty;

        [Option("Where.", Name = "--dir", Value = "DIR", IsPath = true, Label = "place", Otherwise = "nowhere", Effect = SettingEffect.Speed)]
        public string? FolderName { get; set; }

        [Option("Limit.", Minimum = 0.5, Maximum = 1L << 50)]
        public long? Limit { get; init; }

        [Option("Day.")]
        public DateOnly Day { get; init; }

        public int NotASetting { get; set; }
    }

    internal enum Mode
    {
        First,

        [JsonStringEnumMemberName("second")]
        SecondOne,
    }

    [Flags]
    internal enum Parts
    {
        None = 0,

        [JsonStringEnumMemberName("one")]
        One = 1,

        [JsonStringEnumMemberName("two")]
        Two = 2,
    }
}
