using Convoy.Training.Options;
using Convoy.Training.Runs;
using System.Globalization;
using System.Text.Json;

namespace Convoy.Training.Tuning;

/// <summary>What the processes of a group of trials need to know: a run directory for each trial, and how long it may take.</summary>
/// <param name="root">The folder.</param>
internal sealed class TrialFolder(string root)
{
    private string Allowance => Path.Combine(root, "allowance.json");

    /// <summary>The folder's path.</summary>
    public string Root => root;

    /// <summary>What the processes print.</summary>
    public string Logs => Path.Combine(root, "logs");

    /// <summary>Makes the folder with what its processes are to do.</summary>
    public void Write(IEnumerable<RunConfiguration> trials, TrialAllowance allowance)
    {
        foreach ((int number, RunConfiguration configuration) in trials.Index())
        {
            RunDirectory run = Run(number);
            run.Create();
            run.WriteConfig(configuration);
        }

        File.WriteAllText(Allowance, JsonSerializer.Serialize(allowance));
    }

    /// <summary>How long each trial may take.</summary>
    /// <exception cref="BadInputException">The file is not what <see cref="Write"/> wrote.</exception>
    public TrialAllowance ReadAllowance()
    {
        try
        {
            TrialAllowance allowance = JsonSerializer.Deserialize<TrialAllowance>(File.ReadAllText(Allowance)) ?? throw new JsonException("it is empty");
            return IsSound(allowance.Memory) ? allowance : throw new JsonException("its memory is none");
        }
        catch (JsonException error)
        {
            throw new BadInputException("the trials' allowance cannot be read", Allowance, $"Start 'convoy tune' again: {error.Message}", error);
        }
    }

    /// <summary>The trials' run directories in order.</summary>
    public IEnumerable<RunDirectory> Runs()
    {
        for (int number = 0; File.Exists(Run(number).Config); number++)
        {
            yield return Run(number);
        }
    }

    /// <summary>A folder for a run that only shows what memory a smaller batch takes.</summary>
    public RunDirectory Probe(int number) => new(Path.Combine(root, string.Create(CultureInfo.InvariantCulture, $"probe-{number}")));

    private static bool IsSound(TrialMemory? memory) => memory is null
        || (memory is { LimitBytes: > 0, Known: { } known } && known.All(point => point is { Processes: > 0, LocalBatchSize: > 0 and <= 1 << 20, PeakBytes: > 0 and <= 1L << 50 }));

    private RunDirectory Run(int number) => new(Path.Combine(root, string.Create(CultureInfo.InvariantCulture, $"trial-{number}")));
}
