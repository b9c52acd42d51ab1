using System.Globalization;
using System.Text.RegularExpressions;

namespace Convoy.Distributed.ParallelTests;

/// <summary>Makes a failing random case as small as it gets: the one operation that fails alone, otherwise the fewest found that fail together.</summary>
internal static partial class CaseShrinker
{
    /// <summary>Says which case failed, of which operations it needs no more, how it fails and how to run it again.</summary>
    /// <param name="results">How the ranks ended, at least one of them wrongly.</param>
    /// <param name="options">What the worker got besides seed and number of cases.</param>
    public static async Task<string> ShrinkAsync(IReadOnlyList<WorkerResult> results, params string[] options)
    {
        if (First(results) is not { } failed)
        {
            return "outside of a case: " + Describe(results);
        }

        (int seed, int last) = failed;
        int[] operations = [last];
        IReadOnlyList<WorkerResult>? failing = await FailAsync(results.Count, seed, operations, options);
        if (failing is null)
        {
            operations = [.. Enumerable.Range(0, last + 1)];
            failing = await FailAsync(results.Count, seed, operations, options);
            if (failing is null)
            {
                return $"case {seed}, only after earlier cases: {Describe(results)}";
            }

            for (int left = 0; left < last; left++)
            {
                int[] fewer = [.. operations.Where(index => index != left)];
                if (await FailAsync(results.Count, seed, fewer, options) is { } still)
                {
                    (operations, failing) = (fewer, still);
                }
            }
        }

        return $"case {seed} with {results.Count} ranks, operations {string.Join(',', operations)} are enough (RandomCollectives {seed} 1 only={string.Join(',', operations)}): {Describe(failing)}";
    }

    private static async Task<IReadOnlyList<WorkerResult>?> FailAsync(int worldSize, int seed, int[] operations, string[] options)
    {
        string[] arguments = [seed.ToString(CultureInfo.InvariantCulture), "1", $"only={string.Join(',', operations)}", .. options];
        IReadOnlyList<WorkerResult> results = await WorkerProcesses.RunAsync("RandomCollectives", worldSize, arguments);
        return results.Any(result => result.ExitCode != 0) ? results : null;
    }

    // The ranks that only lost a failed one may be some operations further or less far: a wrong value counts most.
    private static (int Seed, int Operation)? First(IReadOnlyList<WorkerResult> results) => results
        .Select(result => (Match: Failure().Match(result.Errors), IsCause: !result.Errors.Contains("PeerLostException", StringComparison.Ordinal)))
        .Where(found => found.Match.Success)
        .OrderByDescending(found => found.IsCause)
        .Select(found => ((int, int)?)(int.Parse(found.Match.Groups[1].Value, CultureInfo.InvariantCulture), int.Parse(found.Match.Groups[2].Value, CultureInfo.InvariantCulture)))
        .FirstOrDefault();

    private static string Describe(IReadOnlyList<WorkerResult> results) =>
        string.Join(Environment.NewLine, results.Where(result => result.ExitCode != 0).Select(result => $"rank {result.Rank} (exit code {result.ExitCode}): {result.Errors}"));

    [GeneratedRegex(@"case (\d+), operation (\d+)")]
    private static partial Regex Failure();
}
