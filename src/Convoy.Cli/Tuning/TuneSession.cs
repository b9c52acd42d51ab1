using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Cli.Training;
using Convoy.Distributed.Launch;
using Convoy.Lanes.Training;
using Convoy.Training;
using Convoy.Training.Options;
using Convoy.Training.Programs;
using Convoy.Training.Runs;
using Convoy.Training.Tuning;
using Spectre.Console;

namespace Convoy.Cli.Tuning;

/// <summary>
/// <c>convoy tune</c> as its user sees it: everything is checked, trials are made within the budget, and the winner is written
/// as a file for <c>train --config</c>.
/// </summary>
/// <param name="request">What was asked for.</param>
/// <param name="json">Whether the result goes to standard output as JSON, and all else to standard error.</param>
internal sealed class TuneSession(TuneRequest request, bool json)
{
    private static readonly JsonSerializerOptions FileFormat = new() { WriteIndented = true, NewLine = "\n" };

    private readonly IAnsiConsole _console = ConsoleOutput.People(json);

    /// <summary>Runs to the end.</summary>
    /// <param name="interrupted">Ends it; nothing is written then.</param>
    /// <returns>The program's exit code.</returns>
    /// <exception cref="BadInputException">Something that the user gave is wrong; nothing was written.</exception>
    public async Task<int> RunAsync(CancellationToken interrupted)
    {
        OutputFile.RequireWritable(request.Output);
        PrecisionWarning.Tell(request.Space.Precisions);
        DirectoryInfo scratch = TemporaryFolder.Create("convoy-tune-", ConsoleOutput.Notice);
        try
        {
            // Drawn data lies among what the trials write, so the settings depend on the folder.
            return await RunAsync(scratch.FullName, request.Settings(scratch.FullName), interrupted);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    private async Task<int> RunAsync(string scratch, RunConfiguration settings, CancellationToken interrupted)
    {
        int samples = request.Task.CountSamples(settings, scratch, ConsoleOutput.Warning);
        IReadOnlyList<TuningConfiguration> candidates = request.Space.Candidates(request.Seed);
        foreach (TuningConfiguration candidate in candidates)
        {
            TrainingOptions options = candidate.ApplyTo(settings.Training);
            options.Validate(asOptions: true);
            _ = new TrainingPlan(options, samples);
        }

        await FrameProgress.ShowAsync(_console, "Making the data ready", progress => request.Task.PrepareDataAsync(settings, scratch, progress, ConsoleOutput.Notice, interrupted));
        string noun = request.Task.SampleNoun;
        _console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Tuning for {request.BudgetSeconds:0} s on {request.Space.Cores} {(request.Space.Cores == 1 ? "core" : "cores")}: {candidates.Count} configurations, steps of {settings.Training.BatchSize} {noun}s of {request.Task.DescribeData(samples)}."));
        using var display = new TuneDisplay(_console, settings.Training.BatchSize, noun);
        var machine = new TrialMachine(settings, request.Task.Workers, scratch, TimeProvider.System) { OnResult = display.Show, OnNotice = ConsoleOutput.Notice };
        var search = new SuccessiveHalving(machine, TimeProvider.System, request.BudgetSeconds) { OnRound = display.Begin };
        TuningCandidate? best = await search.RunAsync(request.Space, request.Seed, interrupted);
        display.Finish(search.Candidates, best);
        display.Dispose();
        if (best is null)
        {
            return ConsoleOutput.Error(
                string.Create(CultureInfo.InvariantCulture, $"no configuration could be measured ({request.BudgetSeconds:0} s). Give more --budget-seconds, or a smaller model or batch."),
                ExitCodes.Failed,
                search.Candidates.Where(c => c.Error is not null).Select(c => $"{c.Configuration}: {c.Error}"));
        }

        JsonObject config = Config(best.Configuration, settings.Training);
        OutputFile.Write(request.Output, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(config.ToJsonString(FileFormat) + "\n")));
        Tell(best, settings.Training.BatchSize);
        if (json)
        {
            ConsoleOutput.Json(TuneReport.From(best, search.Candidates, settings.Training.BatchSize, config));
        }

        return ExitCodes.Done;
    }

    private void Tell(TuningCandidate best, int batchSize)
    {
        string spread = best.RelativeSpread is { } share ? string.Create(CultureInfo.InvariantCulture, $" (±{share * 100:0.0} % from step to step)") : string.Empty;
        _console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Best: {best.Configuration}: {batchSize / best.MedianSeconds:0.00} {request.Task.SampleNoun}s/s{spread}, over {best.StepSeconds.Count} steps."));
        _console.WriteLine(request.Task.Words.Count > 0
            ? $"Train with it: convoy train --config {request.Output} -- {string.Join(' ', request.Task.Words)}"
            : $"Train with it: convoy train --data {request.Data ?? "DIR"} --config {request.Output}");
    }

    // What was tuned and nothing else, so that the file goes with any data and any schedule; the batch because it decides which numbers of processes are possible.
    private static JsonObject Config(TuningConfiguration best, TrainingOptions settings)
    {
        JsonObject all = best.ApplyTo(settings).ToJson();
        var config = new JsonObject();
        foreach (string name in (string[])["nproc", "threads", "batch_size", "precision", "channels_last", "workers"])
        {
            config[name] = all[name]!.DeepClone();
        }

        return config;
    }
}
