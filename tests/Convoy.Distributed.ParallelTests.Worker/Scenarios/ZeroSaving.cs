using System.Diagnostics;
using System.Globalization;
using Convoy.Distributed.Optim;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Measures what <see cref="ZeroRedundancyOptimizer"/> saves of memory and time with AdamW on parameters like ResNet18's, and prints a
/// row for each way. Argument: the number of updates, of which the median counts.
/// </summary>
internal static class ZeroSaving
{
    private const double MiB = 1 << 20;

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        int updates = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 5;
        Measure(group, updates, "AdamW", p => optim.AdamW(p, 1e-3), bytes: optimizer => ((OptimizerHelper)optimizer).state_dict().State.Cast<AdamW.State>().Sum(s => (s.exp_avg.numel() + s.exp_avg_sq.numel()) * 4));
        Measure(group, updates, "FusedAdamW", p => new FusedAdamW(p, 1e-3), bytes: optimizer => ((OptimizerHelper)optimizer).state_dict().State.Cast<AdamW.State>().Sum(s => (s.exp_avg.numel() + s.exp_avg_sq.numel()) * 4));
        foreach (bool shares in new[] { false, true })
        {
            Measure(group, updates, shares ? "ZeRO, shared parameters" : "ZeRO, parameters apart", p => new ZeroRedundancyOptimizer(p, group, own => optim.AdamW(own, 1e-3), new ZeroRedundancyOptions { ShareParameters = shares }), optimizer => ((ZeroRedundancyOptimizer)optimizer).StateBytes);
        }

        Measure(group, updates, "ZeRO, shared parameters, FusedAdamW", p => new ZeroRedundancyOptimizer(p, group, own => new FusedAdamW(own, 1e-3)), optimizer => ((ZeroRedundancyOptimizer)optimizer).StateBytes);
    }

    private static void Measure(ProcessGroup group, int updates, string name, Func<List<Parameter>, optim.Optimizer> make, Func<optim.Optimizer, long> bytes)
    {
        using var scope = NewDisposeScope();
        List<Parameter> parameters = [.. ResNet18Shapes().Select(shape => new Parameter(ones(shape)))];
        foreach (Parameter parameter in parameters)
        {
            parameter.grad = ones_like(parameter);
        }

        using optim.Optimizer optimizer = make(parameters);
        optimizer.step(); // Warm-up.
        var times = new List<double>();
        for (int i = 0; i < updates; i++)
        {
            group.Barrier();
            long start = Stopwatch.GetTimestamp();
            optimizer.step();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        times.Sort();
        long state = bytes(optimizer);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name}: {group.Size} processes, rank {group.Rank}: {parameters.Sum(p => p.numel()):N0} parameters, optimizer state {state / MiB:F1} MiB, update {times[times.Count / 2]:F1} ms"));
        Expect.True(state > 0, "no state");
    }

    // torchvision's resnet18 with its classifier: 11,689,512 parameters.
    private static IEnumerable<long[]> ResNet18Shapes()
    {
        yield return [64, 3, 7, 7];
        yield return [64];
        yield return [64];
        long input = 64;
        foreach (long width in new long[] { 64, 128, 256, 512 })
        {
            for (int block = 0; block < 2; block++)
            {
                foreach (long[] shape in new long[][] { [width, input, 3, 3], [width], [width], [width, width, 3, 3], [width], [width] })
                {
                    yield return shape;
                }

                if (input != width)
                {
                    yield return [width, input, 1, 1];
                    yield return [width];
                    yield return [width];
                }

                input = width;
            }
        }

        yield return [1000, 512];
        yield return [1000];
    }
}
