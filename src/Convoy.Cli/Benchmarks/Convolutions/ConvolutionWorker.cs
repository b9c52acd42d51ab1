using System.Text.Json;
using Convoy.Distributed;
using Convoy.Torch.Convolution;
using Convoy.Training.Measurement;
using static TorchSharp.torch;

namespace Convoy.Cli.Benchmarks.Convolutions;

/// <summary>One rank of <c>convoy bench convolution</c>.</summary>
internal sealed class ConvolutionWorker(ProcessGroup group, ConvolutionSettings settings, TimeProvider time)
{
    // For each pass; about what it has of the whole time when a network's are chosen.
    private static readonly TimeSpan BudgetOfChoice = TimeSpan.FromSeconds(0.5);

    /// <summary>Measures; rank 0 gives a line for each pass.</summary>
    public IEnumerable<string> Run(CancellationToken stop)
    {
        var probe = new MachineProbe(time);
        foreach (string precision in settings.Precisions)
        {
            ScalarType type = ConvolutionSettings.Types[precision];
            group.Barrier();
            double peak = ArithmeticPeak.FlopsPerSecond(type);
            ConvolutionKey[] keys = [.. Enum.GetValues<ConvolutionPass>().Select(pass => new ConvolutionKey(settings.Shape, type, pass))];
            IReadOnlyList<KernelChoice> chosen = new KernelMeasurement(time, wish => group.BroadcastObject(wish)) { Budget = BudgetOfChoice * keys.Length }.Measure(keys);
            foreach (KernelChoice choice in chosen)
            {
                stop.ThrowIfCancellationRequested();
                double before = probe.FlopsPerSecond();
                IReadOnlyList<KernelTimes> kernels = new KernelComparison(time, group.Barrier).Measure(choice.Key, settings.Repeats);
                double after = probe.FlopsPerSecond(), flops = settings.Shape.Flops;
                if (group.Rank == 0)
                {
                    yield return JsonSerializer.Serialize(new ConvolutionPassReport(
                        precision, choice.Key.Pass.Name(), flops / 1e9, peak / 1e9, choice.Kernel, KernelTable.Fixed.NameOf(choice.Key), before / 1e9, after / 1e9,
                        [.. kernels.Select(kernel => ConvolutionKernelReport.Of(kernel, flops, peak, kernels[0].Error)).OrderBy(kernel => kernel.MedianSeconds)]));
                }
            }
        }
    }
}
