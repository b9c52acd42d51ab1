using System.CommandLine;
using Convoy.Cli.Launching;
using Convoy.Cli.Training;
using Convoy.Cli.Tuning;
using Convoy.Training.Workers;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy tune</c>: finds the fastest configuration on this machine.</summary>
internal static class TuneCommand
{
    public static Command Create(TaskChoice choice)
    {
        var options = new TuneOptionSet();
        Option<bool> json = ConsoleOutput.JsonOption();
        var command = new Command(
            "tune",
            "Finds the fastest processes, threads, precision, memory format, batch with its accumulation, and loader threads on this machine by short trials, and writes them for train --config. "
            + $"An option that is given is not tuned. {TaskChoice.Help} Of any other program that torchrun could start, it finds the fastest processes and threads (and precision, where --precision lists some), and prints its command line.");
        options.AddTo(command);
        command.Options.Add(json);
        command.SetAction(async (parsed, interrupted) =>
        {
            options.RequireRanges(parsed); // before anything is built
            GivenProgram? program = choice.IsOwn ? await GivenProgram.FindAsync(choice.Words, interrupted) : null;
            return program is { Kind: ProgramKind.Other }
                ? await new ProgramTuneSession(options.ReadProgram(parsed, program), parsed.GetValue(json)).RunAsync(interrupted)
                : await new TuneSession(await options.ReadTaskAsync(parsed, program, interrupted), parsed.GetValue(json)).RunAsync(interrupted);
        });
        return command;
    }
}
