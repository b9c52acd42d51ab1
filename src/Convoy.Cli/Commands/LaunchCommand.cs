using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Convoy.Distributed.Errors;
using Convoy.Distributed.Launch;
using Convoy.Lanes;

namespace Convoy.Cli.Commands;

/// <summary><c>launch</c>: torchrun for any program, on one machine.</summary>
internal static class LaunchCommand
{
    /// <summary>The verb with its options.</summary>
    public static Command Create()
    {
        var processes = new Option<int>("--nproc", "--nproc-per-node") { Description = "Number of processes.", DefaultValueFactory = _ => Environment.ProcessorCount };
        var nodes = new Option<int>("--nnodes") { Description = "Number of machines; only 1 so far.", DefaultValueFactory = _ => 1 };
        var nodeRank = new Option<int>("--node-rank") { Description = "This machine's number; with one machine 0.", DefaultValueFactory = _ => 0 };
        var address = new Option<string>("--master-addr") { Description = "MASTER_ADDR: an address of this machine.", DefaultValueFactory = _ => "127.0.0.1" };
        var port = new Option<int>("--master-port") { Description = "MASTER_PORT; 0: any free port.", DefaultValueFactory = _ => 0 };
        var noStore = new Option<bool>("--no-store") { Description = "Leave MASTER_PORT to rank 0, for programs that host their own store there, as PyTorch does." };
        var restarts = new Option<int>("--max-restarts") { Description = "How often all processes are started again after a failure.", DefaultValueFactory = _ => 0 };
        var logs = new Option<string?>("--log-dir") { Description = "Folder for each process's output, rank-{r}.log. [default: none]" };
        var program = new Argument<string[]>("PROGRAM ARGS") { Description = "After --: the program and its arguments.", Arity = ArgumentArity.ZeroOrMore };
        var command = new Command("launch", "Run any program on N processes, with torchrun's environment.")
        {
            processes, nodes, nodeRank, address, port, noStore, restarts, logs, program,
        };
        command.SetAction((ParseResult parsed, CancellationToken cancellation) =>
        {
            RequireAtLeast(processes, parsed, 1);
            RequireAtLeast(restarts, parsed, 0);
            RequireAtLeast(port, parsed, 0);
            RequireOne(nodes, parsed, 1);
            RequireOne(nodeRank, parsed, 0);
            if (parsed.GetValue(port) is > 65535 and int value)
            {
                throw new BadInputException("--master-port is no port", Text(value), "Give 0 to 65535.");
            }

            return RunAsync(
                new LauncherOptions
                {
                    Program = Program(program, parsed),
                    ProcessCount = parsed.GetValue(processes),
                    MasterAddress = parsed.GetValue(address)!,
                    MasterPort = parsed.GetValue(port),
                    HostStore = !parsed.GetValue(noStore),
                    MaxRestarts = parsed.GetValue(restarts),
                    LogDirectory = parsed.GetValue(logs),
                    OnOutput = Print,
                    OnRestart = (failure, restart) => Console.Error.WriteLine($"convoy: restart {Text(restart)} of {Text(parsed.GetValue(restarts))}: {string.Join(Environment.NewLine, [Cause(failure), .. LastLines(failure)])}"),
                },
                cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(LauncherOptions options, CancellationToken cancellation)
    {
        LaunchResult result;
        try
        {
            result = await new Launcher(options).RunAsync(cancellation);
        }
        catch (DistributedException unusable)
        {
            return ConsoleOutput.Error(unusable.Message, ExitCodes.BadUsage);
        }

        return result.Failure is null ? result.ExitCode : ConsoleOutput.Error(Cause(result.Failure), result.ExitCode, LastLines(result.Failure));
    }

    private static LaunchProgram Program(Argument<string[]> argument, ParseResult parsed)
    {
        string[] words = parsed.GetValue(argument) ?? [];
        int passedOn = parsed.Tokens.SkipWhile(t => t.Type != TokenType.DoubleDash).Skip(1).Count();
        if (passedOn < words.Length)
        {
            throw new BadInputException("unknown option or argument of launch", words[0], "Write the program after two dashes: convoy launch --nproc 2 -- PROGRAM ARGS.");
        }

        return words.Length > 0
            ? new LaunchProgram(words[0], words[1..])
            : throw new BadInputException("no program to launch", "nothing after --", "Write it after two dashes: convoy launch --nproc 2 -- PROGRAM ARGS.");
    }

    private static void Print(WorkerOutputLine line)
    {
        TextWriter writer = line.Stream == WorkerOutputStream.Error ? Console.Error : Console.Out;
        writer.WriteLine(Prefixed(line.Rank, line.Text));
    }

    private static string Cause(WorkerFailure failure)
    {
        string what = failure.Describe().TrimEnd('.') + ".";
        if (failure.SignalName == "SIGKILL")
        {
            what += " If nobody sent that signal, the system may have run out of memory.";
        }

        return what + (failure.LastLines.Count == 0 ? " It wrote nothing." : " Its last lines:");
    }

    private static IEnumerable<string> LastLines(WorkerFailure failure) => failure.LastLines.Select(line => Prefixed(failure.Rank, line));

    private static void RequireAtLeast(Option<int> option, ParseResult parsed, int least)
    {
        if (parsed.GetValue(option) is int value && value < least)
        {
            throw new BadInputException($"{option.Name} is too small", Text(value), $"Give at least {Text(least)}.");
        }
    }

    private static void RequireOne(Option<int> option, ParseResult parsed, int only)
    {
        if (parsed.GetValue(option) is int value && value != only)
        {
            throw new BadInputException($"{option.Name} would need several machines, which this version cannot launch", Text(value), $"Leave it out or give {Text(only)}.");
        }
    }

    private static string Prefixed(int rank, string text) => $"[rank {Text(rank)}] {text}";

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
