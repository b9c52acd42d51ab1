using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json.Nodes;
using Convoy.Training.Options;

namespace Convoy.Cli;

/// <summary>The option of one setting, whose row reads the value.</summary>
internal sealed class SettingOption : Option<JsonNode?>
{
    /// <summary>Makes the option of a row.</summary>
    public SettingOption(OptionRow row)
        : base(row.Name)
    {
        Row = row;
        HelpName = row.Value;
        CustomParser = Parse;
        if (row.IsOptionalBoolean)
        {
            Arity = ArgumentArity.ZeroOrOne;
        }
    }

    /// <summary>The setting.</summary>
    public OptionRow Row { get; }

    /// <summary>The type of an option's value, whether it is a setting's or not.</summary>
    public static Type TypeOf(Option option) => option is SettingOption setting ? setting.Row.Type : option.ValueType;

    private JsonNode? Parse(ArgumentResult result)
    {
        try
        {
            return Row.Parse(result.Tokens[^1].Value);
        }
        catch (BadInputException error)
        {
            result.AddError(error.Message);
            return null;
        }
    }
}
