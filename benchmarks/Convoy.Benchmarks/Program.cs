using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using TorchSharp;

namespace Convoy.Benchmarks;

/// <summary>Micro-benchmarks of the kernels that Convoy owns; the arguments are BenchmarkDotNet's (<c>--filter</c>, <c>--list flat</c>, <c>--job short</c>).</summary>
internal static class Program
{
    // In this process: BenchmarkDotNet's usual tool chain builds a project of its own for every job, which knows neither this
    // repository's build rules nor where libtorch lies.
    private const string InThisProcess = "--inProcess";

    private static int Main(string[] args)
    {
        // What is measured is one core's work.
        torch.set_num_threads(1);
        IEnumerable<Summary> summaries = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run([.. args, InThisProcess], new KernelConfig());
        return summaries.Any(HasFailed) ? 1 : 0;
    }

    private static bool HasFailed(Summary summary) => summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success);
}
