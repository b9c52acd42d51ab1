using System.CommandLine;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy data</c>: the verbs about data sets.</summary>
internal static class DataCommand
{
    public static Command Create() => new("data", "Check a data set, or draw one.")
    {
        DataCheckCommand.Create(),
        DataSynthCommand.Create(),
    };
}
