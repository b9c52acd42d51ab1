using System.Text.Json.Serialization;
using Convoy.Analysis.Reports;
using Convoy.Training.Measurement;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>What computed a pass of a convolution on rank 0, beside what the other kernels would have taken.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Sizes">Its sizes in words, for one process.</param>
/// <param name="Pass">Which pass, in words.</param>
/// <param name="Kernel">The kernel that ran.</param>
/// <param name="Gflop">Arithmetic by the plain sum.</param>
/// <param name="Seconds">What it took when the kernels were measured; null where they were not, as with <c>--fuse fixed</c>.</param>
/// <param name="GflopPerSecond">What the plain sum's arithmetic makes of that.</param>
/// <param name="ShareOfPeak">GFLOP/s / peak of one process; a kernel with fewer multiplications can pass 1.</param>
/// <param name="OtherSeconds">What the other kernels took, by name, fastest first.</param>
internal sealed record ConvolutionPassTime(
    string Layer,
    string Sizes,
    string Pass,
    string Kernel,
    double Gflop,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Seconds,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? GflopPerSecond,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? ShareOfPeak,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, double>? OtherSeconds)
{
    /// <summary>Sets a kernel beside the peak.</summary>
    /// <param name="ran">What ran.</param>
    /// <param name="peak">One process's peak, floating-point operations a second.</param>
    public static ConvolutionPassTime From(LayerKernel ran, double peak)
    {
        double? seconds = ran.Seconds is { } all && all.TryGetValue(ran.Kernel, out double own) ? own : null;
        return new ConvolutionPassTime(
            ran.Layer, ran.Sizes, ran.Pass, ran.Kernel, ran.Flops / 1e9, seconds, ran.Flops / seconds / 1e9, ran.Flops / seconds / peak,
            ran.Seconds?.Where(other => other.Key != ran.Kernel).OrderBy(other => other.Value).ToDictionary(other => other.Key, other => other.Value));
    }

    /// <summary>How many passes each kernel computes, in words, the most frequent first: <c>31 passes by winograd, 13 by libtorch</c>.</summary>
    public static string Summarize(IEnumerable<ConvolutionPassTime> passes) =>
        KernelCounts.InWords(passes.CountBy(pass => pass.Kernel).OrderByDescending(kernel => kernel.Value));
}
