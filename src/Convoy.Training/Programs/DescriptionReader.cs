using System.ComponentModel;
using System.Diagnostics;
using Convoy.Distributed.Launch;
using Convoy.Training.Workers;

namespace Convoy.Training.Programs;

/// <summary>Starts a program to read what it says of its task.</summary>
internal static class DescriptionReader
{
    private const string Main = "return TrainingProgram.Run(args, new MyTask());";

    // Loading libtorch and opening the data; a program with no task that trains on its own would take for ever.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Reads the description.</summary>
    /// <exception cref="BadInputException">The program cannot be started, or says nothing of a task.</exception>
    public static async Task<TaskDescription> ReadAsync(LaunchProgram program, Action<string> warn, CancellationToken cancellation)
    {
        string words = string.Join(' ', program.Arguments.Prepend(program.FileName));
        var start = new ProcessStartInfo(program.FileName, program.Arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in WorkerProgram.Environment(WorkerRole.Describe, Directory.GetCurrentDirectory()))
        {
            start.Environment[name] = value;
        }

        using Process process = Start(start, words);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        TaskDescription? description = null;
        var errors = new List<string>();
        try
        {
            await Task.WhenAll(
                ReadLinesAsync(process.StandardOutput, line => description = TaskDescription.FromLine(line) ?? description, patience.Token),
                ReadLinesAsync(process.StandardError, errors.Add, patience.Token),
                process.WaitForExitAsync(patience.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellation.ThrowIfCancellationRequested();
            throw new BadInputException($"the program said nothing of a task within {Patience.TotalMinutes:0} minutes", words, $"Its Main must be '{Main}'.");
        }

        if (description is null || process.ExitCode != ExitCodes.Done)
        {
            string? reason = errors.LastOrDefault(line => line.StartsWith(FailureText.Mark, StringComparison.Ordinal))?[FailureText.Mark.Length..];
            throw reason is not null ? new BadInputException(reason)
                : new BadInputException(
                    "the program did not describe a task",
                    $"{words}, exit code {process.ExitCode}",
                    $"Its Main must be '{Main}'.{(errors.Count > 0 ? " Its last words: " + errors[^1] : string.Empty)}");
        }

        errors.ForEach(warn);
        return description;
    }

    private static Process Start(ProcessStartInfo start, string words)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw new BadInputException("the program cannot be started", words, $"Check the path: {error.Message}.", error);
        }
    }

    private static async Task ReadLinesAsync(StreamReader reader, Action<string> take, CancellationToken cancellation)
    {
        while (await reader.ReadLineAsync(cancellation).ConfigureAwait(false) is { } line)
        {
            take(line);
        }
    }
}
