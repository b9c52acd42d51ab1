using Convoy.Distributed.Launch;
using Convoy.Training.Workers;

namespace Convoy.Cli.Launching;

/// <summary>The program behind <c>--</c>, for verbs that start it more than once.</summary>
/// <param name="Words">The program and its arguments as its user wrote them.</param>
/// <param name="Program">How its processes are started: <c>dotnet run</c>, which would build each time, has become the program that it built.</param>
/// <param name="Kind">What it can be asked.</param>
internal sealed record GivenProgram(IReadOnlyList<string> Words, LaunchProgram Program, ProgramKind Kind)
{
    /// <summary>Looks at the program; it is not started. <c>dotnet run</c> is built.</summary>
    /// <param name="words">The program and its arguments; at least one word.</param>
    /// <param name="interrupted">Ends the build.</param>
    /// <exception cref="BadInputException">There is no such program, or it does not build.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="interrupted"/> was raised.</exception>
    public static async Task<GivenProgram> FindAsync(IReadOnlyList<string> words, CancellationToken interrupted)
    {
        var program = new LaunchProgram(words[0], [.. words.Skip(1)]);
        if (DotnetRun.Find(program) is not { } run)
        {
            return new GivenProgram(words, program, ProgramInspection.KindOf(program));
        }

        if (run.Builds)
        {
            ConsoleOutput.Notice($"building once for all runs: {run.BuildCommand}");
            await run.BuildAsync(interrupted);
        }

        (LaunchProgram built, string assembly) = await run.BuiltProgramAsync(interrupted);
        return new GivenProgram(words, built, ProgramInspection.KindOf(new LaunchProgram(program.FileName, [assembly])));
    }
}
