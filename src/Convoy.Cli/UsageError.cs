using System.CommandLine;
using System.CommandLine.Parsing;
using Convoy.Training.Options;

namespace Convoy.Cli;

/// <summary>Says what is wrong with a command line: one line with the value, and what to do about it.</summary>
internal static class UsageError
{
    /// <summary>Describes the first error of a command line that did not parse.</summary>
    public static string Describe(ParseResult parsed)
    {
        string help = $"'{PathOf(parsed.CommandResult)} --help'";
        return parsed.UnmatchedTokens.Count > 0
            ? DescribeUnknown(parsed, parsed.UnmatchedTokens[0], help)
            : DescribeError(parsed.Errors[0], help);
    }

    private static string DescribeUnknown(ParseResult parsed, string token, string help)
    {
        Command command = parsed.CommandResult.Command;
        bool isOption = token.StartsWith('-') && token.Length > 1;
        (string kind, IEnumerable<string> names) = isOption
            ? ("option", OptionsOf(parsed.CommandResult))
            : ("verb", command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name));
        if (!isOption && command.Subcommands.Count == 0)
        {
            return $"one argument too many ({token}). Put quotes around a value that holds spaces; {help} shows what is taken.";
        }

        string name = isOption ? token.Split('=', 2)[0] : token;
        return NearestName.Find(name, names) is { } near
            ? $"unknown {kind} ({name}). Did you mean {near}? {help} lists them all."
            : $"unknown {kind} ({name}). {help} lists them all.";
    }

    private static string DescribeError(ParseError error, string help) => error.SymbolResult switch
    {
        OptionResult { Implicit: true } missing =>
            $"a required option is missing ({missing.Option.Name}). Give it a value; {help} shows how.",
        OptionResult { Tokens.Count: 0 } empty =>
            $"an option has no value ({empty.Option.Name}). Write {Kind(SettingOption.TypeOf(empty.Option))} after it; {help} shows how.",
        OptionResult { Option: { } number, Tokens: [.., { } last] } when NumberSyntax.Fault(SettingOption.TypeOf(number), number.Name, last.Value) is { } fault => Number(number, last, fault, help),
        ArgumentResult { Parent: OptionResult { Option: { } number }, Tokens: [.., { } last] } when NumberSyntax.Fault(SettingOption.TypeOf(number), number.Name, last.Value) is { } fault =>
            Number(number, last, fault, help),
        OptionResult wrong when IsWrongType(error) =>
            $"not {Kind(wrong.Option.ValueType)} ({wrong.Option.Name} {Values(wrong)}). Write {Kind(wrong.Option.ValueType)} after {wrong.Option.Name}; {help} shows how.",
        ArgumentResult { Tokens.Count: 0 } missing =>
            $"an argument is missing ({missing.Argument.Name}). {help} shows what is taken.",
        ArgumentResult { Parent: OptionResult option } when IsWrongType(error) =>
            $"not {Kind(option.Option.ValueType)} ({option.Option.Name} {Values(option)}). Write {Kind(option.Option.ValueType)} after {option.Option.Name}; {help} shows how.",
        ArgumentResult wrong when IsWrongType(error) =>
            $"not {Kind(wrong.Argument.ValueType)} ({Values(wrong)}). Write {Kind(wrong.Argument.ValueType)} for {wrong.Argument.Name}; {help} shows how.",
        _ => WithHelp(error.Message, help),
    };

    private static string Number(Option option, Token value, (string What, string Remedy) fault, string help) =>
        $"{fault.What} ({option.Name} {value.Value}). {fault.Remedy}{(option is SettingOption { Row.IsAutomatic: true } ? ", or auto" : string.Empty)}; {help} shows how.";

    // A verb's own validator says what is wrong and what to do; it only lacks where to read more.
    private static string WithHelp(string message, string help) =>
        $"{message.TrimEnd('.', ' ')}. {help} shows what is taken.";

    // System.CommandLine has no code for a failed conversion, only this message.
    private static bool IsWrongType(ParseError error) => error.Message.StartsWith("Cannot parse argument", StringComparison.Ordinal);

    private static string Values(SymbolResult result) => string.Join(' ', result.Tokens.Select(t => t.Value));

    private static string Kind(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type switch
        {
            _ when type == typeof(int) || type == typeof(long) => "a whole number",
            _ when type == typeof(double) => "a number",
            _ when type == typeof(bool) => "true or false",
            _ when type.IsEnum => "one of " + string.Join(", ", Enum.GetNames(type).Select(n => n.ToLowerInvariant())),
            _ when type.IsArray => "values",
            _ => "a value",
        };
    }

    private static IEnumerable<string> OptionsOf(CommandResult result)
    {
        for (SymbolResult? at = result; at is not null; at = at.Parent)
        {
            if (at is CommandResult level)
            {
                foreach (Option option in level.Command.Options.Where(o => !o.Hidden && (level == result || o.Recursive)))
                {
                    yield return option.Name;
                }
            }
        }
    }

    // "convoy data check"; the root is called after the program, whatever file it was started from.
    private static string PathOf(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{PathOf(parent)} {result.Command.Name}" : "convoy";
}
