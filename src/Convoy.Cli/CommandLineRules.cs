using System.CommandLine;
using System.CommandLine.Parsing;
using System.Numerics;
using Convoy.Training.Options;

namespace Convoy.Cli;

/// <summary>
/// What holds for the options of all verbs, so that no verb has to think of it: numbers are written as <see cref="NumberSyntax"/>
/// says, and of an option that is given twice the last counts.
/// </summary>
internal static class CommandLineRules
{
    /// <summary>Applies the rules to a command and everything below it.</summary>
    public static void Apply(Command command)
    {
        foreach (Option option in command.Options)
        {
            // With one value at most, this is how the library is told to take the option again; it still takes one value after a name.
            option.AllowMultipleArgumentsPerToken |= option.Arity.MaximumNumberOfValues <= 1;
            ReadNumbersOf(option);
        }

        foreach (Command verb in command.Subcommands)
        {
            Apply(verb);
        }
    }

    private static void ReadNumbersOf(Option option)
    {
        switch (option)
        {
            case Option<int> whole:
                whole.CustomParser = Number<int>;
                break;
            case Option<int?> whole:
                whole.CustomParser = NumberOrNull<int>;
                break;
            case Option<long> whole:
                whole.CustomParser = Number<long>;
                break;
            case Option<long?> whole:
                whole.CustomParser = NumberOrNull<long>;
                break;
            case Option<double> number:
                number.CustomParser = Number<double>;
                break;
            case Option<double?> number:
                number.CustomParser = NumberOrNull<double>;
                break;
            default:
                break;
        }
    }

    private static T? NumberOrNull<T>(ArgumentResult given)
        where T : struct, INumber<T> => Number<T>(given);

    private static T Number<T>(ArgumentResult given)
        where T : struct, INumber<T>
    {
        string text = given.Tokens[^1].Value;
        if (!NumberSyntax.TryRead(text, out T number))
        {
            given.AddError($"not a number ({text})"); // UsageError, which knows the option, says it better
        }

        return number;
    }
}
