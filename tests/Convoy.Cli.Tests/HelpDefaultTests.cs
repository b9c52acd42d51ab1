using System.CommandLine;
using System.CommandLine.Help;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Convoy.Cli.Scaling;
using Convoy.Cli.Training;
using Convoy.Cli.Tuning;
using Convoy.Lanes.Training;
using Convoy.Training.Options;

namespace Convoy.Cli.Tests;

/// <summary>The defaults that <c>--help</c> shows are those of a run without options.</summary>
public sealed class HelpDefaultTests
{
    // Defaults that are a rule rather than a value.
    private static readonly string[] Rules = ["--nproc", "--threads", "--channels-last"];

    [Theory]
    [InlineData("train", false)]
    [InlineData("train", true)]
    [InlineData("scale", false)]
    [InlineData("scale", true)]
    [InlineData("tune", false)]
    [InlineData("tune", true)]
    public async Task Help_OfATrainingVerb_ShowsWhatARunWithoutOptionsUses(string verb, bool drawn)
    {
        JsonObject used = (await SettingsOfAsync(verb, drawn)).ToJson();
        string[] tuned = verb == "tune" ? ["--precision", "--workers", "--batch-size", "--accumulate", "--steps"] : [];
        Dictionary<string, string> shown = ShownDefaults(verb);
        int compared = 0;
        foreach ((string option, string text) in shown)
        {
            string name = option == "--timeout" ? "timeout_seconds" : option[2..].Replace('-', '_');
            if (!used.ContainsKey(name) || Rules.Contains(option) || tuned.Contains(option) || option is "--data" || (verb == "scale" && option is "--precision" or "--steps" or "--batch-size"))
            {
                continue;
            }

            string[] both = text.Split(", with --data synthetic ");
            string expected = both[drawn ? ^1 : 0];
            if (used[name] is { } value)
            {
                Assert.Equal(expected, value.ToString(), ignoreCase: true);
                compared++;
            }
            else
            {
                Assert.DoesNotMatch(@"^[0-9.]+$", expected);
            }
        }

        Assert.True(compared >= 10, $"only {compared} defaults of {verb} were compared");
    }

    [Theory]
    [InlineData("scale", "--image-size", "800x360, with --data synthetic 400x180")]
    [InlineData("scale", "--accumulate", "2, with --data synthetic 1")]
    [InlineData("tune", "--image-size", "800x360, with --data synthetic 400x180")]
    [InlineData("tune", "--workers", "the fastest number")]
    [InlineData("train", "--image-size", "800x360, with --data synthetic 256x128")]
    [InlineData("train", "--line-width", "5 pixels at 1280x720, scaled, with --data synthetic 2.5")]
    [InlineData("train", "--lr", "0.0005, with --data synthetic 0.001")]
    [InlineData("train", "--nproc", "the most, up to the cores, that divide the batch")]
    [InlineData("bench step", "--image-size", "800x360")]
    [InlineData("bench step", "--accumulate", "2")]
    public void Help_OfAnOption_ShowsItsDefault(string verb, string option, string expected) => Assert.Equal(expected, ShownDefaults(verb)[option]);

    private static async Task<RunConfiguration> SettingsOfAsync(string verb, bool drawn)
    {
        string data = drawn ? DrawnData.Name : "somewhere";
        if (verb == "scale")
        {
            var options = new ScaleOptionSet(new TaskChoice([]));
            var scale = new Command("scale");
            options.AddTo(scale);
            return (await options.ReadAsync(scale.Parse(["--data", data]), TestContext.Current.CancellationToken)).Settings.Training!;
        }

        VerbDefaults defaults = verb == "train" ? VerbDefaults.Train : VerbDefaults.Measured;
        var settings = new SettingOptions(defaults, ["data"]);
        var command = new Command(verb);
        settings.AddTo(command);
        JsonObject given = settings.Read(command.Parse([]));
        return verb == "train" ? defaults.Configuration(data, drawn).With(given) : TuneOptionSet.MakeRequest(null, given, new TuneLists(), data, 1, "tuned.json", memory: null, effective: null).Settings("scratch");
    }

    private static Dictionary<string, string> ShownDefaults(string verb)
    {
        using var text = new StringWriter();
        ParseResult parsed = Program.Root(new Option<bool>("--verbose"), new TaskChoice([])).Parse([.. verb.Split(' '), "--help"]);
        parsed.InvocationConfiguration.Output = text;
        ((HelpAction)parsed.Action!).MaxWidth = int.MaxValue;
        parsed.Invoke(parsed.InvocationConfiguration);
        return Regex.Matches(text.ToString(), @"^ +(?:-\w, )?(--[a-z-]+)[ ,].*\[default: (.*)\]", RegexOptions.Multiline | RegexOptions.CultureInvariant)
            .ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value.TrimEnd());
    }
}
