using System.CommandLine;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy bench</c>: the building blocks alone, each with its limit beside it.</summary>
internal static class BenchCommand
{
    public static Command Create() => new("bench", "Measure a building block alone, with its limit beside it.")
    {
        BenchAllReduceCommand.Create(),
        BenchStepCommand.Create(),
        BenchLoaderCommand.Create(),
    };
}
