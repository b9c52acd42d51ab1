using System.Text.Json;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Reading;

/// <summary>
/// Reads what was measured: run directories, study directories, metrics files (also those of other tools) and CSV tables.
/// </summary>
public static class RunReader
{
    /// <summary>Reads all of <paramref name="paths"/> into one set of comparable runs.</summary>
    /// <param name="paths">Files and folders; at least one.</param>
    /// <param name="seed">Decides what bootstraps draw.</param>
    /// <exception cref="AnalysisInputException">Something cannot be read, or runs cannot be compared; the message says where and what differs.</exception>
    public static RunSet Read(IReadOnlyList<string> paths, int seed = 0)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var runs = new List<Run>();
        var warnings = new List<string>();
        var others = new List<OtherRun>();
        foreach (string file in paths.SelectMany(Files).DistinctBy(Path.GetFullPath))
        {
            try
            {
                if (Path.GetExtension(file).Equals(".json", StringComparison.OrdinalIgnoreCase))
                {
                    using JsonDocument document = LenientJson.ReadFile(file);
                    if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("schema", out _))
                    {
                        others.Add(OtherMetricsReader.Read(file, document.RootElement));
                        continue;
                    }
                }

                Add(Path.GetExtension(file).Equals(".csv", StringComparison.OrdinalIgnoreCase) ? CsvTableReader.Read(file) : ConvoyRunReader.Read(file));
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new AnalysisInputException("the file cannot be read", file, $"Check it and its permissions: {error.Message}", error);
            }
        }

        Add(OtherBatchSizes.Settle(others));
        return RunSet.From(runs, warnings, seed);

        void Add(ReadRuns read)
        {
            runs.AddRange(read.Runs);
            warnings.AddRange(read.Warnings);
        }
    }

    private static IEnumerable<string> Files(string path)
    {
        if (File.Exists(path))
        {
            return Path.GetExtension(path).ToLowerInvariant() is ".json" or ".csv"
                ? [path]
                : throw new AnalysisInputException("not a file that can be analysed", path, "Give a .json metrics file, a .csv table or a folder.");
        }

        if (!Directory.Exists(path))
        {
            throw new AnalysisInputException("no such file or folder", path, "Check the path.");
        }

        string[] found = [.. InFolder(path)];
        return found.Length > 0
            ? found
            : throw new AnalysisInputException("the folder holds no measurements", path, "Give a run directory, a study directory, or a folder of Metrics_{n}_cpus.json files.");
    }

    // A study directory has its runs twice, whole below runs/ and in short beside it: the whole ones know more.
    private static IEnumerable<string> InFolder(string folder)
    {
        string own = Path.Combine(folder, "metrics.json");
        if (File.Exists(own))
        {
            return [own];
        }

        string runs = Path.Combine(folder, "runs");
        string[] whole = [.. WholeRuns(Directory.Exists(runs) ? runs : folder)];
        return whole.Length > 0
            ? whole
            : Directory.EnumerateFiles(folder).Where(f => MetricsFileName.Parse(f) is not null).Order(StringComparer.Ordinal);
    }

    private static IEnumerable<string> WholeRuns(string folder) =>
        Directory.EnumerateFiles(folder, "metrics.json", SearchOption.AllDirectories).Order(StringComparer.Ordinal);
}

/// <summary>What a file or folder held.</summary>
/// <param name="Runs">The runs.</param>
/// <param name="Warnings">What a reader should know of them.</param>
internal sealed record ReadRuns(IReadOnlyList<Run> Runs, IReadOnlyList<string> Warnings);
