using System.Globalization;
using Convoy.Metrics;

namespace Convoy.Analysis.Reading;

/// <summary>What a run may say of its arithmetic and of its machine's: beyond, it is damage or a mistaken unit.</summary>
internal static class ArithmeticChecks
{
    private const double MostFlopsPerSample = 1e24, MostGigaflops = 1e12;
    private const int MostThreads = 1_000_000, LongestKernel = 100;

    /// <exception cref="AnalysisInputException">The operations of a sample or a measured peak are outside their range.</exception>
    public static void Require(RunMetrics metrics, string path)
    {
        if (metrics.FlopsPerSample is { } flops && flops is not (> 0 and <= MostFlopsPerSample))
        {
            throw Refusal("flops_per_sample must be above 0 and at most 1e24", flops, path);
        }

        if (metrics.Kernels?.FirstOrDefault(kernel => kernel.Value < 1 || kernel.Key.Length is 0 or > LongestKernel) is { Key: { } name } wrong)
        {
            throw new AnalysisInputException("kernels must be names of up to 100 characters with numbers of passes above 0", $"got '{(name.Length > LongestKernel ? name[..LongestKernel] + "..." : name)}' {wrong.Value}, {path}", "Leave the entry out, or write what the run measured.");
        }

        foreach (MatrixPeak peak in metrics.Host?.MatrixPeaks ?? [])
        {
            if (peak.GigaflopsPerSecond is not (> 0 and <= MostGigaflops))
            {
                throw Refusal("gigaflops_per_second must be above 0 and at most 1e12", peak.GigaflopsPerSecond, path);
            }

            if (peak.Threads is < 1 or > MostThreads)
            {
                throw Refusal("threads of a matrix peak must be from 1 to 1000000", peak.Threads, path);
            }
        }
    }

    private static AnalysisInputException Refusal(string rule, double value, string path) =>
        new(rule, string.Create(CultureInfo.InvariantCulture, $"got {value}, {path}"), "Leave the run out, or measure it again.");
}
