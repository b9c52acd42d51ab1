using System.CommandLine;
using System.Globalization;
using Convoy.Cli.Benchmarks;
using Convoy.Distributed;
using Convoy.Distributed.Rendezvous;
using Convoy.Training;
using Convoy.Training.Programs;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy bench allreduce</c>: the time of the all-reduce between N processes, beside what the memory allows.</summary>
internal static class BenchAllReduceCommand
{
    private const int MaximumProcesses = 1024;

    public static Command Create()
    {
        var processes = new Option<int>("--nproc") { Description = "Processes to start. Not under a launcher, whose ranks count.", DefaultValueFactory = _ => 2 };
        var sizes = new Option<string>("--sizes")
        {
            Description = "Bytes a process, separated by commas: K, M, G are powers of 1024, KB, MB, GB powers of 1000.",
            DefaultValueFactory = _ => "4K,64K,1M,52MB",
            HelpName = "LIST",
        };
        var dtype = new Option<string>("--dtype") { Description = $"The element type: {string.Join(", ", AllReduceSettings.Types.Keys)}.", DefaultValueFactory = _ => "fp32" };
        var iterations = new Option<int>("--iterations") { Description = "Calls to measure for each size; 0: as many as fit into --seconds.", DefaultValueFactory = _ => 0 };
        var seconds = new Option<double>("--seconds") { Description = "How long to measure each size, after the warm-up.", DefaultValueFactory = _ => 1 };
        var backend = new Option<string?>("--backend") { Description = $"Through what: {string.Join(", ", ProcessGroups.BackendNames)}. [default: {ProcessGroups.BackendVariable}, or auto]" };
        Option<bool> json = ConsoleOutput.JsonOption();
        var command = new Command("allreduce", "Measures the all-reduce (sum) between N processes on this machine, or between the ranks that mpirun or another launcher has started, in the group's buffers and with ordinary tensors.")
        {
            processes, sizes, dtype, iterations, seconds, backend, json,
        };
        command.SetAction((parsed, interrupted) => RunAsync(
            parsed.GetValue(backend),
            parsed.GetValue(processes),
            parsed.GetResult(processes) is { Implicit: false },
            new AllReduceSettings
            {
                Bytes = MessageSize.ParseList(parsed.GetRequiredValue(sizes)),
                Dtype = parsed.GetRequiredValue(dtype),
                Iterations = parsed.GetValue(iterations),
                Seconds = parsed.GetValue(seconds),
            },
            parsed.GetValue(json),
            interrupted));
        return command;
    }

    private static async Task<int> RunAsync(string? backend, int processes, bool isGiven, AllReduceSettings settings, bool json, CancellationToken interrupted)
    {
        CommandLineChecks.InRange("--nproc", processes, 1, MaximumProcesses);
        settings.Check();
        if (backend is not null)
        {
            // Also for the processes that this one starts.
            Environment.SetEnvironmentVariable(ProcessGroups.BackendVariable, ProcessGroups.BackendNames.Contains(backend)
                ? backend
                : throw new BadInputException("there is no such backend", backend, $"Give --backend one of {string.Join(", ", ProcessGroups.BackendNames)}."));
        }

        RankEnvironment ranks = RankEnvironment.Read();
        if (ranks.WorldSize > 1 && isGiven)
        {
            throw new BadInputException("--nproc does not go with ranks that a launcher has started", $"{processes}, but {ranks}", "Leave it out, or start convoy alone.");
        }

        AllReduceReport? report = ranks.WorldSize > 1 ? AllReduceBenchmark.RunAsRank(settings, interrupted) : await AllReduceBenchmark.RunAsync(processes, settings, interrupted);
        if (report is null)
        {
            // Rank 0 says it.
            return ExitCodes.Done;
        }

        if (json)
        {
            ConsoleOutput.Json(report);
        }
        else
        {
            AllReduceTable.Print(report, ConsoleOutput.People());
        }

        return ExitCodes.Done;
    }
}
