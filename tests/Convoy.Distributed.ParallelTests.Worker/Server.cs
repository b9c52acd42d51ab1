using System.Collections;
using System.Text.Json;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Runs one scenario after another in one process, because starting .NET and libtorch takes longer than most scenarios. Each line on
/// standard input is a <see cref="Call"/>, each line on standard output a <see cref="Reply"/>; a failed scenario is the last one.
/// </summary>
internal static class Server
{
    public const string Name = "serve";

    public static int Run(Func<string[], int> runScenario)
    {
        using TextWriter replies = Console.Out;
        while (Console.In.ReadLine() is { } line)
        {
            Call call = JsonSerializer.Deserialize<Call>(line)!;
            Reply reply = Answer(call, runScenario);
            replies.WriteLine(JsonSerializer.Serialize(reply));
            if (reply.ExitCode != 0)
            {
                return reply.ExitCode;
            }
        }

        return 0;
    }

    private static Reply Answer(Call call, Func<string[], int> runScenario)
    {
        using StringWriter output = new(), errors = new();
        Console.SetOut(output);
        Console.SetError(errors);
        Dictionary<string, string> before = Variables();
        foreach ((string name, string value) in call.Environment)
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        int code = runScenario(call.Arguments);

        // What a scenario sets is for itself only.
        foreach (string name in Variables().Keys.Except(before.Keys))
        {
            Environment.SetEnvironmentVariable(name, null);
        }

        foreach ((string name, string value) in before)
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        return new Reply(code, output.ToString(), errors.ToString());
    }

    private static Dictionary<string, string> Variables() =>
        Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string)entry.Value!, StringComparer.Ordinal);

    /// <param name="Environment">The variables of this scenario.</param>
    /// <param name="Arguments">The scenario and its arguments.</param>
    internal sealed record Call(Dictionary<string, string> Environment, string[] Arguments);

    /// <param name="ExitCode">What the process would have ended with.</param>
    /// <param name="Output">What the scenario wrote to standard output.</param>
    /// <param name="Errors">What it wrote to standard error.</param>
    internal sealed record Reply(int ExitCode, string Output, string Errors);
}
