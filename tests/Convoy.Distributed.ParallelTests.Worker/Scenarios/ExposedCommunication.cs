using System.Globalization;
using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Measures, over whatever joins the ranks, what a step waits for gradients: with and without overlap, in float32 and bfloat16. Arguments: rounds of 4 steps and rows of a batch. Prints for each way medians in
/// milliseconds: backward, all communication, what of it the step waits for, the step. 12 layers of 1024 x 1024: 50 MB of gradients.
/// </summary>
internal static class ExposedCommunication
{
    private const int Layers = 12, Width = 1024, StepsOfARound = 4;

    private static readonly (string Name, bool Overlap, bool Compress)[] Ways =
    [
        ("fp32, no overlap", false, false),
        ("fp32, overlap", true, false),
        ("bf16, no overlap", false, true),
        ("bf16, overlap", true, true),
    ];

    public static void Run(string[] args)
    {
        int rounds = int.Parse(args[0], CultureInfo.InvariantCulture), rows = int.Parse(args[1], CultureInfo.InvariantCulture);
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        random.manual_seed(0);
        using Tensor input = randn(rows, Width);
        using nn.Module<Tensor, Tensor> network = nn.Sequential(Enumerable.Range(0, Layers).SelectMany(i =>
            new (string, nn.Module<Tensor, Tensor>)[] { ($"linear{i}", nn.Linear(Width, Width)), ($"tanh{i}", nn.Tanh()) }).ToArray());
        List<ReducerTimings>[] timings = [.. Ways.Select(_ => new List<ReducerTimings>())];
        List<double>[] steps = [.. Ways.Select(_ => new List<double>())];
        for (int round = 0; round < rounds; round++)
        {
            for (int way = 0; way < Ways.Length; way++)
            {
                using DistributedDataParallel<Tensor, Tensor> model = new(network, group, new DistributedDataParallelOptions { Overlap = Ways[way].Overlap });
                using var hook = new Bf16CompressionHook();
                if (Ways[way].Compress)
                {
                    model.RegisterCommunicationHook(hook);
                }

                for (int step = 0; step < StepsOfARound; step++)
                {
                    group.Barrier();
                    long start = System.Diagnostics.Stopwatch.GetTimestamp();
                    using var scope = NewDisposeScope();
                    model.Backward(model.call(input).square().mean());
                    // The first step of a model lays out its buckets anew.
                    if (step > 0)
                    {
                        steps[way].Add(System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                        timings[way].Add(model.LastTimings);
                    }

                    model.ZeroGrad();
                }
            }
        }

        for (int way = 0; way < Ways.Length; way++)
        {
            group.Print(string.Create(CultureInfo.InvariantCulture,
                $"{Ways[way].Name}: backward {Median(timings[way], t => t.BackwardSeconds):0}, communication {Median(timings[way], t => t.CommunicationTotalSeconds):0}, exposed {Median(timings[way], t => t.CommunicationSeconds):0}, step {steps[way].Order().ElementAt(steps[way].Count / 2):0} ms"));
        }
    }

    private static double Median(List<ReducerTimings> timings, Func<ReducerTimings, double> seconds) => 1000 * timings.Select(seconds).Order().ElementAt(timings.Count / 2);
}
