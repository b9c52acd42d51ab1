using Convoy.Training;

namespace Convoy.Cli;

/// <summary>
/// Whether libtorch is part of this program. It is of one that a clone builds. The tool package leaves its hundreds of megabytes out, and the tool's project says so in a
/// switch of the runtime's configuration: the tool starts, studies and tunes programs that bring their own, and explains their runs.
/// </summary>
internal static class Libtorch
{
    private const string Switch = "Convoy.Libtorch";

    /// <summary>Whether this program can compute with TorchSharp.</summary>
    public static bool IsPartOfProgram { get; } = !AppContext.TryGetSwitch(Switch, out bool included) || included;

    /// <summary>Refuses what needs it in a program that has none.</summary>
    /// <param name="asked">What needs it, as its user would call it.</param>
    /// <exception cref="BadInputException">This program has no libtorch.</exception>
    public static void Require(string asked)
    {
        if (!IsPartOfProgram)
        {
            throw Missing(asked, "Give your own program after --, or run ./convoy in a clone of Convoy's repository.");
        }
    }

    /// <summary>The error of something that only a clone's program does.</summary>
    /// <param name="asked">What needs libtorch, as its user would call it.</param>
    /// <param name="remedy">What to do about it.</param>
    public static BadInputException Missing(string asked, string remedy) => new("this needs libtorch, which is not part of the tool", asked, remedy);
}
