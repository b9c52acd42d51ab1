using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Cli.Training;
using Convoy.Lanes.Data;
using Convoy.Training;
using Convoy.Training.Options;

namespace Convoy.Cli.Tests;

/// <summary>What holds for every option of every verb, hidden ones too, those to come included.</summary>
public sealed class NumberOptionTests
{
    private static readonly string[] NoNumbers = ["1,5", "0,0005", "1,000", "1.000,5", "1,000.5", "1'000", "1 000", "1_000", "NaN", "Infinity", "-Infinity", "∞", "1e999", "99999999999999999999999999e999", "10s", "20%", "0x10", "one"];

    public static TheoryData<string, string> Numbers() => Of(option => IsWhole(option) || IsDecimal(option));

    public static TheoryData<string, string> TakenOnce() => Of(option => option.Arity.MaximumNumberOfValues <= 1);

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Parse_NumberThatIsNotWrittenWithDigitsAndAPoint_IsRefused(string verb, string name)
    {
        RootCommand root = Root();
        Option option = Find(root, verb, name);

        Assert.All(NoNumbers, text => Assert.Contains(root.Parse([.. Words(verb), name, text]).Errors, error => IsOf(error, option)));
        Assert.Equal(IsWhole(option), root.Parse([.. Words(verb), name, "0.5"]).Errors.Any(error => IsOf(error, option)));
    }

    [Theory]
    [MemberData(nameof(Numbers))]
    public void Parse_NumberInAnyLanguage_HasItsValue(string verb, string name)
    {
        CultureInfo before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = new CultureInfo(string.Empty) { NumberFormat = { NumberDecimalSeparator = ",", NumberGroupSeparator = ".", NegativeSign = "~" } };
            RootCommand root = Root();
            Option option = Find(root, verb, name);
            string text = option is SettingOption { Row.IsAutomatic: true } ? "12" : IsWhole(option) ? "-12" : "-1.5e-3";

            object? value = root.Parse([.. Words(verb), name, text]).GetResult(option)!.GetValueOrDefault<object?>();

            Assert.Equal(double.Parse(text, CultureInfo.InvariantCulture), value is JsonNode json ? json.Deserialize<double>() : Convert.ToDouble(value, CultureInfo.InvariantCulture));
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Theory]
    [MemberData(nameof(TakenOnce))]
    public void Parse_OptionGivenTwice_TakesTheLast(string verb, string name)
    {
        RootCommand root = Root();
        Option option = Find(root, verb, name);
        Type type = TypeOf(option);
        bool flag = option.Arity.MaximumNumberOfValues == 0;
        (string first, string last) = type == typeof(bool) ? ("false", "true")
            : type == typeof(Backend) ? ("auto", "mpi")
            : type.IsEnum ? (Enum.GetNames(type)[0].ToLowerInvariant(), Enum.GetNames(type)[1].ToLowerInvariant())
            : type == typeof(ImageSize) ? ("32x32", "64x64")
            : type == typeof(FuseSetting) ? ("auto", "none")
            : ("1", "2");

        ParseResult parsed = root.Parse(flag ? [.. Words(verb), name, name] : [.. Words(verb), name, first, name, last]);

        Assert.DoesNotContain(parsed.Errors, error => IsOf(error, option));
        Assert.Equal(option is SettingOption { Row.IsPath: true } ? Path.GetFullPath(last) : last, Convert.ToString(parsed.GetResult(option)!.GetValueOrDefault<object?>(), CultureInfo.InvariantCulture), ignoreCase: true);
    }

    [Theory]
    [InlineData("train --lr 0,0005", "not a number (--lr 0,0005). Write a point: --lr 0.0005; 'convoy train --help' shows how.")]
    [InlineData("train --lr -,5", "not a number (--lr -,5). Write a point: --lr -.5; 'convoy train --help' shows how.")]
    [InlineData("report x --price 0,35", "not a number (--price 0,35). Write a point: --price 0.35; 'convoy report --help' shows how.")]
    [InlineData("report x --price 1,000", "not a number (--price 1,000). Write a point for decimals and no separators: --price 1.000 or --price 1000; 'convoy report --help' shows how.")]
    [InlineData("report x --price 1,000.5", "not a number (--price 1,000.5). Write it without separators: --price 1000.5; 'convoy report --help' shows how.")]
    [InlineData("report x --price 1.000,5", "not a number (--price 1.000,5). Write a point: --price 1000.5; 'convoy report --help' shows how.")]
    [InlineData("report x --price 1.000.000", "not a number (--price 1.000.000). Write it without separators: --price 1000000; 'convoy report --help' shows how.")]
    [InlineData("train --lr NaN", "not a finite number (--lr NaN). Write a number after --lr; 'convoy train --help' shows how.")]
    [InlineData("train --lr 1e999", "not a finite number (--lr 1e999). Write a number after --lr; 'convoy train --help' shows how.")]
    [InlineData("train --steps 1,000", "not a whole number (--steps 1,000). Write it without separators: --steps 1000; 'convoy train --help' shows how.")]
    [InlineData("train --steps 1.000", "not a whole number (--steps 1.000). Write it without separators: --steps 1000; 'convoy train --help' shows how.")]
    [InlineData("train --epochs 1,5", "not a whole number (--epochs 1,5). Write a whole number after --epochs; 'convoy train --help' shows how.")]
    [InlineData("train --epochs 3000000000", "the number is too large (--epochs 3000000000). Give at most 2147483647; 'convoy train --help' shows how.")]
    [InlineData("train --lr 1 --lr 0,5", "not a number (--lr 0,5). Write a point: --lr 0.5; 'convoy train --help' shows how.")]
    public void Describe_NumberThatIsNone_SaysHowToWriteIt(string commandLine, string expected) =>
        Assert.Equal(expected, UsageError.Describe(Root().Parse(commandLine.Split(' '))));

    [Fact]
    public async Task Train_DecimalComma_IsRefusedBeforeAnythingIsWritten()
    {
        string output = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

        ProgramRun run = await ProgramRun.ConvoyAsync("train", "--data", "synthetic", "--out", output, "--lr", "0,0005");

        Assert.Equal(2, run.ExitCode);
        Assert.Equal("convoy: error: not a number (--lr 0,0005). Write a point: --lr 0.0005; 'convoy train --help' shows how.\n", run.Error);
        Assert.False(Directory.Exists(output));
    }

    private static RootCommand Root() => Program.Root(new Option<bool>("--verbose") { Recursive = true }, new TaskChoice([]));

    private static string[] Words(string verb) => verb.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static bool IsWhole(Option option) => TypeOf(option) is { IsPrimitive: true } type && type != typeof(bool) && !IsDecimal(option);

    private static bool IsDecimal(Option option) => TypeOf(option) is var type && (type == typeof(double) || type == typeof(float) || type == typeof(decimal));

    private static Type TypeOf(Option option) => Nullable.GetUnderlyingType(SettingOption.TypeOf(option)) ?? SettingOption.TypeOf(option);

    private static bool IsOf(ParseError error, Option option) =>
        error.SymbolResult is OptionResult { } given && given.Option == option || error.SymbolResult is ArgumentResult { Parent: OptionResult { } parent } && parent.Option == option;

    private static Option Find(Command command, string verb, string name) => Words(verb).Aggregate(command, (at, word) => at.Subcommands.Single(c => c.Name == word)).Options.Single(o => o.Name == name);

    private static TheoryData<string, string> Of(Func<Option, bool> which)
    {
        var data = new TheoryData<string, string>();
        foreach ((string verb, Command command) in All(Root(), string.Empty))
        {
            foreach (Option option in command.Options.Where(o => which(o) && o.Name is not ("--help" or "--version")))
            {
                data.Add(verb, option.Name);
            }
        }

        return data;
    }

    private static IEnumerable<(string Verb, Command Command)> All(Command command, string verb) =>
        command.Subcommands.SelectMany(c => All(c, $"{verb} {c.Name}".Trim())).Prepend((verb, command));
}
