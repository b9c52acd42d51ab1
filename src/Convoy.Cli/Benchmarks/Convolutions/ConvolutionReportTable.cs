using Convoy.Torch.Convolution;
using Spectre.Console;

namespace Convoy.Cli.Benchmarks.Convolutions;

/// <summary>The report of <c>convoy bench convolution</c> for people.</summary>
internal static class ConvolutionReportTable
{
    public static void Print(ConvolutionReport report, IAnsiConsole console)
    {
        string processes = report.Processes == 1 ? "1 process" : Text($"{report.Processes} processes at the same time"), threads = report.Threads == 1 ? "1 thread" : Text($"{report.Threads} threads");
        console.WriteLine(Text($"Convolution of {report.Sizes}: {report.Passes[0].Gflop:0.00} GFLOP a pass; {processes} x {threads}, times of one call on rank 0."));
        Table table = new Table().Border(TableBorder.Simple).AddColumns("precision", "pass", "kernel", "taken by");
        foreach (string column in (string[])["median ms", "fastest", "slowest", "GFLOP/s", "% of peak", "error", "x libtorch's"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach (ConvolutionPassReport pass in report.Passes)
        {
            foreach ((int i, ConvolutionKernelReport kernel) in pass.Kernels.Index())
            {
                string taken = string.Join(", ", new[] { ("auto", pass.Auto), ("fixed", pass.Fixed) }.Where(choice => choice.Item2 == kernel.Kernel).Select(choice => choice.Item1));
                table.AddRow(
                    i == 0 ? pass.Precision : string.Empty, i == 0 ? pass.Pass : string.Empty, Markup.Escape(kernel.Kernel), taken,
                    Ms(kernel.MedianSeconds), Ms(kernel.FastestSeconds), Ms(kernel.SlowestSeconds), Text($"{kernel.GflopPerSecond:0}"), Text($"{100 * kernel.ShareOfPeak:0}"), Text($"{kernel.Error:0.0e0}"), Text($"{kernel.TimesErrorOfLibtorch:0.00}"));
            }
        }

        console.Write(table);
        console.WriteLine($"peak of a process: {string.Join(", ", report.Passes.DistinctBy(pass => pass.Precision).Select(pass => Text($"{pass.PeakGflopPerSecond:0} GFLOP/s in {pass.Precision}")))}; error: the largest difference from float64 over the largest element.");
        double[] probes = [.. report.Passes.SelectMany(pass => (double[])[pass.ProbeBeforeGflopPerSecond, pass.ProbeAfterGflopPerSecond])];
        if (!MachineProbe.IsSameState(probes.Min(), probes.Max()))
        {
            console.WriteLine(Text($"The machine was not in one state: a small matrix product ran at {probes.Min():0} to {probes.Max():0} GFLOP/s between the passes. Kernels took turns, so those of a pass compare; passes may not."));
        }
    }

    private static string Ms(double seconds) => Text($"{seconds * 1e3:0.000}");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
