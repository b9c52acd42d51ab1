using System.CommandLine;
using Convoy.Cli.Training;

namespace Convoy.Cli.Tests;

/// <summary>What every verb's help keeps to.</summary>
public sealed class VerbTests
{
    private static readonly Type[] Numbers = [typeof(int), typeof(long), typeof(double), typeof(float)];

    public static TheoryData<string> Verbs() => [.. Leaves(Program.Root(new Option<bool>("--verbose"), new TaskChoice([])), "").Select(l => l.Path)];

    [Theory]
    [MemberData(nameof(Verbs))]
    public void Help_OfAVerb_DescribesEverythingAndShowsDefaults(string path)
    {
        Command verb = Leaves(Program.Root(new Option<bool>("--verbose"), new TaskChoice([])), "").Single(l => l.Path == path).Verb;

        Assert.False(string.IsNullOrWhiteSpace(verb.Description), $"{path} has no description");
        Assert.All(verb.Arguments, a => Assert.False(string.IsNullOrWhiteSpace(a.Description), $"{path} {a.Name} has no description"));
        Assert.All(verb.Options, o =>
        {
            Assert.False(string.IsNullOrWhiteSpace(o.Description), $"{path} {o.Name} has no description");
            bool isNumber = Numbers.Contains(Nullable.GetUnderlyingType(SettingOption.TypeOf(o)) ?? SettingOption.TypeOf(o));
            Assert.True(
                !isNumber || o.Required || o.HasDefaultValue || o.Description!.Contains("default", StringComparison.OrdinalIgnoreCase),
                $"{path} {o.Name} is a number and shows no default");
        });
    }

    private static IEnumerable<(string Path, Command Verb)> Leaves(Command command, string path)
    {
        if (command.Subcommands.Count == 0)
        {
            yield return (path, command);
        }

        foreach ((string, Command) leaf in command.Subcommands.SelectMany(c => Leaves(c, $"{path} {c.Name}".Trim())))
        {
            yield return leaf;
        }
    }
}
