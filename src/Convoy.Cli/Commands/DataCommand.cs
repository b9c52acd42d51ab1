using System.CommandLine;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy data</c>: what makes and checks data sets.</summary>
internal static class DataCommand
{
    public static Command Create() => new("data", "Make and check data sets.")
    {
        DataSynthCommand.Create(),
    };
}
