using System.CommandLine;
using Convoy.Cli.Scaling;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy scale</c>: the scaling study in one command.</summary>
internal static class ScaleCommand
{
    private const string Verb = "scale";

    public static Command Create()
    {
        var options = new ScaleOptionSet();
        Option<bool> json = ConsoleOutput.JsonOption();
        var command = new Command(Verb, "Trains at every number of processes, threads and precision, and reports how training scales, why, and which configuration to use.");
        options.AddTo(command);
        command.Options.Add(json);
        command.SetAction((parsed, interrupted) =>
        {
            ScaleRequest request = options.Read(parsed);
            return new ScaleSession(request, Words(parsed, request.Study.Root), parsed.GetValue(json)).RunAsync(interrupted);
        });
        return command;
    }

    // What was typed after the verb, with the folder that a study of no --out made for itself.
    private static string Words(ParseResult parsed, string folder)
    {
        string[] words = [.. parsed.Tokens.Select(token => token.Value).SkipWhile(word => word != Verb).Skip(1).Select(word => word.Contains(' ') ? $"'{word}'" : word)];
        return string.Join(' ', words.Contains("--out") ? words : [.. words, "--out", folder]);
    }
}
