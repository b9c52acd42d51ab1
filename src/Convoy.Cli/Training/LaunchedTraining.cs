using System.Globalization;
using Convoy.Distributed.Rendezvous;
using Convoy.Training.Programs;

namespace Convoy.Cli.Training;

/// <summary>What the program does in a process that a launcher has started as one of several.</summary>
internal static class LaunchedTraining
{
    /// <summary>The job of a command line that trains the lane detector; null for any other verb, and for a process that no launcher has started.</summary>
    /// <param name="arguments">The command line up to <c>--</c>.</param>
    public static LaunchedJob? JobOf(string[] arguments) => Verb(arguments) is ["train", ..] ? LaunchedJob.FromEnvironment(arguments) : null;

    /// <summary>Refuses verbs that start processes themselves. Rank 0 tells it for all.</summary>
    /// <param name="arguments">The command line up to <c>--</c>.</param>
    /// <param name="program">The program behind it.</param>
    /// <returns>Whether this process is to end with <see cref="ExitCodes.BadUsage"/>.</returns>
    /// <exception cref="BadInputException">The same, on rank 0.</exception>
    public static bool IsRefused(string[] arguments, string[] program)
    {
        (string Verb, string Remedy)? refused = Verb(arguments) switch
        {
            ["train", ..] when program.Length > 0 => ("convoy train --", $"Start the program itself with the launcher: {string.Join(' ', program)}, with the run's settings behind it."),
            ["train", ..] when !Libtorch.IsPartOfProgram => ("this convoy", "Start a program with a task of its own with the launcher, or ./convoy train of a clone of Convoy's repository."),
            [("scale" or "tune") and var verb, ..] => ($"convoy {verb}", "Start it once, without a launcher."),
            ["bench", "step"] => ("convoy bench step", "Start it once, without a launcher."),
            _ => null,
        };
        if (refused is not var (what, remedy) || RankEnvironment.Read() is not { WorldSize: > 1 } ranks)
        {
            return false;
        }

        return ranks.Rank > 0 ? true
            : throw new BadInputException($"{what} starts processes itself, and is no rank of a launcher's job", string.Create(CultureInfo.InvariantCulture, $"{ranks.WorldSize} ranks from {ranks.Source}"), remedy);
    }

    private static string[] Verb(string[] arguments) => [.. arguments.Where(word => !word.StartsWith('-')).Take(2)];
}
