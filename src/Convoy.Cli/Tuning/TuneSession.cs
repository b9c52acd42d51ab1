using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Cli.Training;
using Convoy.Distributed.Launch;
using Convoy.Lanes.Sweeps;
using Convoy.Lanes.Training;
using Convoy.Training;
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
        int frames = TrainingInputs.Check(request.Settings, request.FramesToDraw);
        IReadOnlyList<TuningConfiguration> candidates = request.Space.Candidates(request.Seed);
        foreach (TuningConfiguration candidate in candidates)
        {
            TrainingOptions options = candidate.ApplyTo(request.Settings);
            options.Validate();
            _ = new TrainingPlan(options, frames);
        }

        PrecisionWarning.Tell(request.Space.Precisions);
        DirectoryInfo scratch = TemporaryFolder.Create("convoy-tune-", ConsoleOutput.Notice);
        try
        {
            return await RunAsync(scratch.FullName, candidates.Count, interrupted);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    private async Task<int> RunAsync(string scratch, int candidates, CancellationToken interrupted)
    {
        TrainingOptions settings = request.Settings;
        if (request.FramesToDraw is { } frames)
        {
            settings = settings with { Data = Path.Combine(scratch, "data") };
            DrawnData.Draw(settings.Data, frames, settings.Seed, null, interrupted);
        }

        _console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Tuning for {request.BudgetSeconds:0} s on {request.Space.Cores} {(request.Space.Cores == 1 ? "core" : "cores")}: {candidates} configurations, steps of {settings.BatchSize} images at {settings.ImageSize}."));
        using var display = new TuneDisplay(_console, settings.BatchSize);
        var machine = new TrialMachine(settings, scratch, TimeProvider.System) { OnResult = display.Show };
        var search = new SuccessiveHalving(machine, TimeProvider.System, request.BudgetSeconds) { OnRound = display.Begin };
        TuningCandidate? best = await search.RunAsync(request.Space, request.Seed, interrupted);
        display.Finish(search.Candidates, best);
        display.Dispose();
        if (best is null)
        {
            return ConsoleOutput.Error(
                string.Create(CultureInfo.InvariantCulture, $"no configuration could be measured ({request.BudgetSeconds:0} s). Give more --budget-seconds or a smaller --image-size."),
                ExitCodes.Failed,
                search.Candidates.Where(c => c.Error is not null).Select(c => $"{c.Configuration}: {c.Error}"));
        }

        JsonObject config = Config(best.Configuration);
        OutputFile.Write(request.Output, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(config.ToJsonString(FileFormat) + "\n")));
        Tell(best);
        if (json)
        {
            ConsoleOutput.Json(TuneReport.Of(best, search.Candidates, settings.BatchSize, config));
        }

        return ExitCodes.Done;
    }

    private void Tell(TuningCandidate best)
    {
        string spread = best.RelativeSpread is { } share ? string.Create(CultureInfo.InvariantCulture, $" (±{share * 100:0.0} % from step to step)") : string.Empty;
        _console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Best: {best.Configuration}: {request.Settings.BatchSize / best.MedianSeconds:0.00} images/s{spread}, over {best.StepSeconds.Count} steps."));
        _console.WriteLine($"Train with it: convoy train --data {(request.FramesToDraw is null ? request.Settings.Data : "DIR")} --config {request.Output}");
    }

    // What was tuned and nothing else, so that the file goes with any data and any schedule; the batch because it decides which numbers of processes are possible.
    private JsonObject Config(TuningConfiguration best)
    {
        JsonObject all = best.ApplyTo(request.Settings).ToJson();
        var config = new JsonObject();
        foreach (string name in (string[])["nproc", "threads", "batch_size", "precision", "channels_last", "workers"])
        {
            config[name] = all[name]!.DeepClone();
        }

        return config;
    }
}
