using System.CommandLine;
using Convoy.Cli.Launching;
using Convoy.Distributed;
using Convoy.Distributed.Launch;
using Convoy.Training.Programs;

namespace Convoy.Cli.Commands;

/// <summary><c>launch</c>: torchrun for any program, on one machine or several.</summary>
internal static class LaunchCommand
{
    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var options = new LaunchOptionSet();
        var command = new Command("launch", "Run any program on N processes, with torchrun's options and environment.");
        options.AddTo(command);
        command.SetAction((parsed, _) =>
        {
            LauncherOptions launch = options.Read(parsed);
            LaunchDisplay display = options.Display(parsed, launch);
            foreach (string note in options.Notes(parsed))
            {
                ConsoleOutput.Notice(note);
            }

            return RunAsync(launch, display);
        });
        return command;
    }

    private static async Task<int> RunAsync(LauncherOptions options, LaunchDisplay display)
    {
        using var signals = new StopSignals();
        if (DotnetRun.Find(options.Program) is { Builds: true } run)
        {
            ConsoleOutput.Notice($"building once for all processes: {run.BuildCommand}");
            try
            {
                await run.BuildAsync(signals.Token);
            }
            catch (OperationCanceledException)
            {
                return ExitCodes.Interrupted;
            }

            options = options with { Program = run.Program };
        }

        LauncherOptions complete = options with
        {
            OnOutput = display.Show,
            OnNotice = ConsoleOutput.Notice,
            OnLogsSetAside = earlier => ConsoleOutput.Notice($"the logs of an earlier run are in {earlier} now."),
            OnRestart = (failure, restart) => display.ShowRestart(failure, restart, options.MaxRestarts),
            ChooseInterruptSignal = () => signals.PassedOn,
        };
        try
        {
            LaunchResult result = await new Launcher(complete).RunAsync(signals.Token);
            return result.Failure is null ? result.ExitCode : LaunchDisplay.ShowFailure(result);
        }
        catch (PeerNodeException lost)
        {
            return ConsoleOutput.Error(lost.Message, ExitCodes.Failed);
        }
        catch (DistributedException unusable)
        {
            return ConsoleOutput.Error(unusable.Message, ExitCodes.BadUsage);
        }
    }
}
