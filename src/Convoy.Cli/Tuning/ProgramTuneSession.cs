using System.Globalization;
using Convoy.Cli.Launching;
using Convoy.Distributed.Launch;
using Convoy.Metrics;
using Convoy.Training;
using Convoy.Training.Programs;
using Convoy.Training.Studies;
using Convoy.Training.Tuning;
using Spectre.Console;

namespace Convoy.Cli.Tuning;

/// <summary>What tuning of a program without a task was asked for.</summary>
/// <param name="Program">The program.</param>
/// <param name="Space">What to choose from.</param>
/// <param name="Memory">What memory all processes of a run may take together.</param>
/// <param name="BudgetSeconds">Time for all trials.</param>
/// <param name="Steps">Steps of a run that count.</param>
/// <param name="WarmupSteps">Steps at its start that do not.</param>
/// <param name="Work">What the program does with more processes; null where its user does not say.</param>
internal sealed record ProgramTuneRequest(GivenProgram Program, TuningSpace Space, MemoryLimit Memory, double BudgetSeconds, int Steps, int WarmupSteps, RunWork? Work);

/// <summary><c>convoy tune -- PROGRAM</c> for any program that torchrun could start: short runs within the budget, and the command line of the fastest configuration.</summary>
/// <param name="request">What was asked for.</param>
/// <param name="json">Whether the result goes to standard output as JSON, and all else to standard error.</param>
internal sealed class ProgramTuneSession(ProgramTuneRequest request, bool json)
{
    private readonly IAnsiConsole _console = ConsoleOutput.People(json);

    /// <summary>Runs to the end.</summary>
    /// <param name="interrupted">Ends it.</param>
    /// <returns>The program's exit code.</returns>
    /// <exception cref="BadInputException">The program's runs cannot be compared.</exception>
    public async Task<int> RunAsync(CancellationToken interrupted)
    {
        DirectoryInfo scratch = TemporaryFolder.Create("convoy-tune-", ConsoleOutput.Notice);
        try
        {
            return await RunAsync(scratch.FullName, interrupted);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    private async Task<int> RunAsync(string scratch, CancellationToken interrupted)
    {
        TuningSpace space = request.Space;
        IReadOnlyList<TuningConfiguration> candidates = space.Candidates(seed: 0);
        _console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Tuning for {request.BudgetSeconds:0} s on {space.Cores} {(space.Cores == 1 ? "core" : "cores")}: {candidates.Count} {(candidates.Count == 1 ? "configuration" : "configurations")}, runs of at most {request.WarmupSteps} + {request.Steps} steps of {ShellCommand.Join(request.Program.Words)}."));
        ProgramTrialMachine? machine = null;
        TuneNouns Nouns() => new(machine!.Noun, machine.WritesSteps == false ? "run" : "step");
        using var display = new TuneDisplay(_console, Nouns);
        machine = new ProgramTrialMachine(request.Program.Program, scratch, TimeProvider.System)
        {
            Steps = request.WarmupSteps + request.Steps,
            WarmupSteps = request.WarmupSteps,
            Work = request.Work,
            Memory = request.Memory,
            OnResult = display.Show,
            OnNotice = ConsoleOutput.Notice,
        };
        var search = new SuccessiveHalving(machine, TimeProvider.System, request.BudgetSeconds) { OnRound = display.Begin };
        TuningCandidate? best = await search.RunAsync(space, seed: 0, interrupted);
        display.Finish(search.Candidates, best);
        display.Dispose();
        if (best is null)
        {
            return ConsoleOutput.Error(
                string.Create(CultureInfo.InvariantCulture, $"no configuration could be measured ({request.BudgetSeconds:0} s). Give more --budget-seconds or fewer --steps; a program that writes no steps has to end within the budget."),
                ExitCodes.Failed,
                search.Candidates.Select(c => TuneNouns.Complaint(c, request.Memory)).OfType<string>());
        }

        TuningConfiguration chosen = best.Configuration;
        IReadOnlyList<string> command = ProgramLaunch.Command(request.Program.Words, chosen.Processes, chosen.Threads, chosen.Precision);
        _console.WriteLine(Nouns().Describe(best));
        _console.WriteLine($"Run it so: {ShellCommand.Join(command)}");
        if (json)
        {
            ConsoleOutput.Json(new ProgramTuneReport(command, machine.Noun, machine.WritesSteps == true, 1 / best.SampleSeconds, best.PeakMemoryBytes, request.Memory.Bytes, TuneReport.List(search.Candidates)));
        }

        return ExitCodes.Done;
    }
}

/// <summary>What <c>convoy tune</c> found for a program without a task: the document that <c>--json</c> prints.</summary>
/// <param name="Command">The words that start the program in the fastest configuration.</param>
/// <param name="SampleNoun">What the speed counts: a sample as the program calls it, or a run.</param>
/// <param name="BySteps">Whether the program wrote its steps; if not, whole runs were compared.</param>
/// <param name="SamplesPerSecond">The speed of the winner.</param>
/// <param name="PeakMemoryBytes">What a process of the winner took at its peak, where the program wrote it.</param>
/// <param name="MemoryLimitBytes">What all processes together may take.</param>
/// <param name="Candidates">All configurations, the fastest first.</param>
internal sealed record ProgramTuneReport(
    IReadOnlyList<string> Command, string SampleNoun, bool BySteps, double SamplesPerSecond, long? PeakMemoryBytes, long MemoryLimitBytes, IReadOnlyList<TuneReport.Candidate> Candidates);
