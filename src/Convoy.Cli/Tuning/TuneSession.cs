using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Convoy.Cli.Training;
using Convoy.Distributed.Launch;
using Convoy.Lanes.Training;
using Convoy.Metrics;
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
    private readonly TuneNouns _nouns = new(request.Task.SampleNoun, "update");

    /// <summary>Runs to the end.</summary>
    /// <param name="interrupted">Ends it; nothing is written then.</param>
    /// <returns>The program's exit code.</returns>
    /// <exception cref="BadInputException">Something that the user gave is wrong; nothing was written.</exception>
    public async Task<int> RunAsync(CancellationToken interrupted)
    {
        OutputFile.RequireWritable(request.Output);
        PrecisionWarning.Tell([.. request.Space.Precisions.OfType<Precision>()]);
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
        TaskProgram.CheckKernels(settings.Training);
        int samples = request.Task.CountSamples(settings, scratch, ConsoleOutput.Warning);
        TuningSpace space = request.Space.WithSamples(samples);
        IReadOnlyList<TuningConfiguration> candidates = space.Candidates(request.Seed);
        foreach (TuningConfiguration candidate in candidates)
        {
            TrainingOptions options = candidate.ApplyTo(settings.Training);
            options.Validate(asOptions: true);
            _ = new TrainingPlan(options, samples);
        }

        await FrameProgress.ShowAsync(_console, "Making the data ready", progress => request.Task.PrepareDataAsync(settings, scratch, progress, ConsoleOutput.Notice, interrupted));
        _console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Tuning for {request.BudgetSeconds:0} s on {space.Cores} {(space.Cores == 1 ? "core" : "cores")}, in at most {request.Memory}: {candidates.Count} configurations{Batches(space)} of {request.Task.DescribeData(samples)}."));
        using var display = new TuneDisplay(_console, () => _nouns);
        var machine = new TrialMachine(settings, request.Task.Workers, scratch, TimeProvider.System) { Memory = request.Memory, Available = request.Available, OnResult = display.Show, OnNotice = ConsoleOutput.Notice };
        var search = new SuccessiveHalving(machine, TimeProvider.System, request.BudgetSeconds) { OnRound = display.Begin };
        TuningCandidate? best = await search.RunAsync(space, request.Seed, interrupted);
        display.Finish(search.Candidates, best);
        display.Dispose();
        if (best is null)
        {
            return ConsoleOutput.Error(
                string.Create(CultureInfo.InvariantCulture, $"no configuration could be measured ({request.BudgetSeconds:0} s). {(search.Candidates.Any(c => c.End == TrialEnd.OverMemory) ? "Give more --memory-limit, or a smaller model or batch." : "Give more --budget-seconds, or a smaller model or batch.")}"),
                ExitCodes.Failed,
                search.Candidates.Select(c => TuneNouns.Complaint(c, request.Memory)).OfType<string>());
        }

        JsonObject config = Config(best, settings.Training);
        OutputFile.Write(request.Output, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(config.ToJsonString(FileFormat) + "\n")));
        Tell(best);
        if (json)
        {
            ConsoleOutput.Json(TuneReport.From(best, search.Candidates, request.Memory, config, request.Task.SampleNoun));
        }

        return ExitCodes.Done;
    }

    private void Tell(TuningCandidate best)
    {
        _console.WriteLine(_nouns.Describe(best));
        string[] command = request.Task.Words.Count > 0
            ? ["convoy", "train", "--config", request.Output, "--", .. request.Task.Words]
            : ["convoy", "train", "--data", request.Data ?? "DIR", "--config", request.Output];
        _console.WriteLine($"Train with it: {ShellCommand.Join(command)}");
    }

    // What stays equal has to be said: another batch is the same training only as long as its updates are the same.
    private string Batches(TuningSpace space)
    {
        IReadOnlyList<TrainingBatch> batches = space.Batches!;
        string noun = request.Task.SampleNoun;
        long[] effective = [.. batches.Select(batch => batch.Effective).Distinct().Order()];
        string samples = effective.Length == 1 ? string.Create(CultureInfo.InvariantCulture, $"{effective[0]}") : string.Create(CultureInfo.InvariantCulture, $"{effective[0]} to {effective[^1]}");
        return batches.Count == 1
            ? string.Create(CultureInfo.InvariantCulture, $", steps of {batches[0].Size} {noun}s, updates of {samples},")
            : $", then updates of {samples} {noun}s as {string.Join(", ", batches.OrderBy(batch => batch.Size))} (batch x accumulation)";
    }

    // What was tuned, what else decides the speed and was asked for, such as --fuse, and nothing else, so that the file goes with any data and any schedule; and what it measured, which a run passes over.
    private static JsonObject Config(TuningCandidate best, TrainingOptions settings)
    {
        JsonObject all = best.Configuration.ApplyTo(settings).ToJson(), defaults = new TrainingOptions().ToJson();
        var config = new JsonObject();
        foreach (string name in (string[])["nproc", "threads", "batch_size", "accumulate", "precision", "channels_last", "workers"])
        {
            config[name] = all[name]!.DeepClone();
        }

        foreach (string name in TrainingOptions.Table.Rows.Where(row => row.Effect == SettingEffect.Speed).Select(row => row.Setting))
        {
            if (!config.ContainsKey(name) && !JsonNode.DeepEquals(all[name], defaults[name]))
            {
                config[name] = all[name]?.DeepClone();
            }
        }

        config[ConfigFile.Measured] = new JsonObject
        {
            ["samples_per_second"] = 1 / best.SampleSeconds,
            ["peak_memory_bytes"] = best.PeakMemoryBytes,
        };
        return config;
    }
}
