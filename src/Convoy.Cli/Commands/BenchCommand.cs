using System.CommandLine;
using Convoy.Cli.Training;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy bench</c>: the building blocks alone, each with its limit beside it.</summary>
internal static class BenchCommand
{
    public static Command Create(TaskChoice choice) => new("bench", "Measure a building block alone, with its limit beside it.")
    {
        BenchAllReduceCommand.Create(),
        BenchStepCommand.Create(choice),
        BenchConvolutionCommand.Create(),
        BenchLoaderCommand.Create(),
    };
}
