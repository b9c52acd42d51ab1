using Convoy.Distributed.GradientReduction;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Averages given gradients in half types and compares with the exact mean.</summary>
internal static class CompressedGradients
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        using var scope = NewDisposeScope();
        using var fp16 = new Fp16CompressionHook();
        using var bf16 = new Bf16CompressionHook();
        Check(group, fp16, float32, float16, 1.0 / 2048);
        Check(group, fp16, float64, float16, 1.0 / 2048);
        Check(group, bf16, float32, bfloat16, 1.0 / 256);
        Check(group, bf16, float64, bfloat16, 1.0 / 256);

        // Nothing is lost when the gradients are of a half type already: the exact mean, rounded once.
        using var halves = new GivenGradients(group, fp16, bfloat16, 1, [70, 3]);
        Expect.Equal(halves.Mean(0, 0).to(float32).to(bfloat16), halves.Step(0)[0], "bfloat16 gradients");

        // The sum of all ranks' is too large for float16, the mean is not.
        using var large = new GivenGradients(group, fp16, float32, 0, [5]);
        large.Reducer.Backward((large.Named[0].Parameter * 60_000).sum());
        Expect.Near(full([5], 60_000.0), large.Named[0].Parameter.grad!, 60_000.0 / 1024, "large gradients");
    }

    private static void Check(ProcessGroup group, ICommunicationHook hook, ScalarType type, ScalarType travels, double roundingError)
    {
        // Buckets grow, so the memory that is sent from has to.
        using var given = new GivenGradients(group, hook, type, 1, [40, 30], [7], [3, 5], [1]);
        for (int step = 0; step < 3; step++)
        {
            Tensor[] results = given.Step(step);
            for (int i = 0; i < results.Length; i++)
            {
                Tensor exact = given.Mean(i, step);
                double largest = Enumerable.Range(0, group.Size).Sum(rank => given.Given(i, step, rank).to(float64).abs().max().item<double>());
                Expect.Near(exact, results[i], 2 * roundingError * largest / group.Size, $"{travels} for {type}");
                Expect.Equal(results[i].to(travels).to(type), results[i], $"what travelled as {travels}");
                Expect.True(results[i].numel() < 100 || (exact - results[i]).abs().max().item<double>() > roundingError / 100, "nothing was rounded");
            }
        }
    }
}
