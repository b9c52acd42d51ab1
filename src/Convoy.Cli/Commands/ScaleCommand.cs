using System.CommandLine;
using Convoy.Cli.Scaling;
using Convoy.Cli.Training;
using Convoy.Metrics;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy scale</c>: the scaling study in one command.</summary>
internal static class ScaleCommand
{
    private const string Verb = "scale";

    public static Command Create(TaskChoice choice)
    {
        var options = new ScaleOptionSet(choice);
        Option<bool> json = ConsoleOutput.JsonOption();
        var command = new Command(Verb, $"Trains at every number of processes, threads and precision, and reports how training scales, why, and which configuration to use. {TaskChoice.Help}");
        options.AddTo(command);
        command.Options.Add(json);
        command.SetAction(async (parsed, interrupted) =>
        {
            ScaleRequest request = await options.ReadAsync(parsed, interrupted);
            return await new ScaleSession(request, Words(parsed, request.Study.Root, choice.Words), parsed.GetValue(json)).RunAsync(interrupted);
        });
        return command;
    }

    // What was typed after the verb, with the folder that a study of no --out made for itself.
    private static string Words(ParseResult parsed, string folder, IReadOnlyList<string> program)
    {
        string[] own = [.. parsed.Tokens.Select(token => token.Value).SkipWhile(word => word != Verb).Skip(1)];
        return ShellCommand.Join([.. own, .. own.Contains("--out") ? (string[])[] : ["--out", folder], .. program.Count > 0 ? ["--", .. program] : (string[])[]]);
    }
}
