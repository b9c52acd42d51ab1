using Convoy.Analysis.Statistics;
using Convoy.Torch.Convolution;

namespace Convoy.Cli.Benchmarks.Convolutions;

/// <summary>What <c>convoy bench convolution</c> found: the document that <c>--json</c> prints.</summary>
/// <param name="Sizes">The sizes of one process's convolution, in words.</param>
/// <param name="Input">N, C, H, W.</param>
/// <param name="Weight">K, C, R, S.</param>
/// <param name="Stride">Rows, columns.</param>
/// <param name="Padding">Rows, columns.</param>
/// <param name="Processes">Processes that computed it at the same time.</param>
/// <param name="Threads">libtorch's threads in each.</param>
/// <param name="Passes">One for each precision and pass.</param>
internal sealed record ConvolutionReport(
    string Sizes, IReadOnlyList<int> Input, IReadOnlyList<int> Weight, IReadOnlyList<int> Stride, IReadOnlyList<int> Padding, int Processes, int Threads, IReadOnlyList<ConvolutionPassReport> Passes)
{
    /// <summary>The report of what was measured.</summary>
    public static ConvolutionReport From(ConvolutionSettings settings, IReadOnlyList<ConvolutionPassReport> passes)
    {
        ConvolutionShape s = settings.Shape;
        return new ConvolutionReport(
            s.ToString(), [s.Batch, s.InChannels, s.Height, s.Width], [s.OutChannels, s.InChannels, s.KernelHeight, s.KernelWidth], [s.StrideHeight, s.StrideWidth], [s.PaddingHeight, s.PaddingWidth],
            settings.Processes, settings.Threads, passes);
    }
}

/// <summary>A pass: what each kernel that can compute it takes on rank 0.</summary>
/// <param name="Precision">The features' type.</param>
/// <param name="Pass">Which pass, in words.</param>
/// <param name="Gflop">Its arithmetic by the plain sum.</param>
/// <param name="PeakGflopPerSecond">One process's peak in that precision while all measure it.</param>
/// <param name="Auto">The kernel that <c>--fuse auto</c> takes when it measures.</param>
/// <param name="Fixed">The kernel of <c>--fuse fixed</c>.</param>
/// <param name="ProbeBeforeGflopPerSecond">A small matrix product right before, which tells the machine's state.</param>
/// <param name="ProbeAfterGflopPerSecond">The same right after.</param>
/// <param name="Kernels">The kernels, fastest first.</param>
internal sealed record ConvolutionPassReport(
    string Precision, string Pass, double Gflop, double PeakGflopPerSecond, string Auto, string Fixed, double ProbeBeforeGflopPerSecond, double ProbeAfterGflopPerSecond, IReadOnlyList<ConvolutionKernelReport> Kernels);

/// <summary>What a kernel takes.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="MedianSeconds">The median of its calls.</param>
/// <param name="FastestSeconds">The fastest call.</param>
/// <param name="SlowestSeconds">The slowest.</param>
/// <param name="GflopPerSecond">What the plain sum's arithmetic makes of the median.</param>
/// <param name="ShareOfPeak">GFLOP/s / peak; a kernel with fewer multiplications can pass 1.</param>
/// <param name="Error">The largest difference from float64 over the largest element.</param>
/// <param name="TimesErrorOfLibtorch">The error over libtorch's.</param>
internal sealed record ConvolutionKernelReport(string Kernel, double MedianSeconds, double FastestSeconds, double SlowestSeconds, double GflopPerSecond, double ShareOfPeak, double Error, double TimesErrorOfLibtorch)
{
    /// <summary>Sums up a kernel's turns.</summary>
    /// <param name="times">The turns.</param>
    /// <param name="flops">The pass's arithmetic.</param>
    /// <param name="peak">Floating-point operations a second.</param>
    /// <param name="libtorchError">libtorch's error.</param>
    public static ConvolutionKernelReport Of(KernelTimes times, double flops, double peak, double libtorchError)
    {
        double median = OrderStatistics.Median(times.Seconds);
        return new ConvolutionKernelReport(times.Kernel, median, times.Seconds.Min(), times.Seconds.Max(), flops / median / 1e9, flops / median / peak, times.Error, times.Error / libtorchError);
    }
}
