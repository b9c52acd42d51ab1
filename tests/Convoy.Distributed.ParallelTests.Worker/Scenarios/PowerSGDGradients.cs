using Convoy.Distributed.GradientReduction;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Averages given gradients by PowerSGD and compares with what must come out whatever the approximation.</summary>
internal static class PowerSGDGradients
{
    private static readonly long[][] Shapes = [[12, 9], [6, 3, 2, 2], [5], [20, 4]];

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        using var scope = NewDisposeScope();
        FullRank(group, float32, 1e-5);
        FullRank(group, float64, 1e-12);
        foreach (ScalarType? communication in new ScalarType?[] { null, float16, bfloat16 })
        {
            ErrorFeedback(group, communication);
        }

        FirstStepsAreExact(group);
        NothingIsLostToZeros(group);
    }

    // With as many columns as the matrix has rows or columns, the factors are exact.
    private static void FullRank(ProcessGroup group, ScalarType type, double tolerance)
    {
        foreach (bool keeps in new[] { true, false })
        {
            using var hook = new PowerSGDHook(new PowerSGDOptions { MatrixApproximationRank = 100, StartPowerSGDIteration = 0, MinCompressionRate = 1e-3, UseErrorFeedback = keeps, WarmStart = keeps });
            using var given = new GivenGradients(group, hook, type, 1, Shapes);
            for (int step = 0; step < 4; step++)
            {
                Tensor[] results = given.Step(step);
                for (int i = 0; i < results.Length; i++)
                {
                    Expect.Near(given.Mean(i, step), results[i], tolerance, $"full rank, {type}, parameter {i}");
                }
            }
        }
    }

    // What is lost in one step is added to the next: all results and the mean of what is left add up to all means.
    private static void ErrorFeedback(ProcessGroup group, ScalarType? communication)
    {
        const int Steps = 8;
        using var hook = new PowerSGDHook(new PowerSGDOptions { StartPowerSGDIteration = 0, MinCompressionRate = 1, CommunicationType = communication });
        using var given = new GivenGradients(group, hook, float32, 1, Shapes);
        Tensor[] sums = [.. Shapes.Select(shape => zeros(shape, float64))];
        Tensor[] means = [.. Shapes.Select(shape => zeros(shape, float64))];
        double largestLoss = 0;
        for (int step = 0; step < Steps; step++)
        {
            Tensor[] results = given.Step(step);
            for (int i = 0; i < Shapes.Length; i++)
            {
                sums[i] += results[i].to(float64);
                means[i] += given.Mean(i, step);
                largestLoss = Math.Max(largestLoss, (results[i] - given.Mean(i, step)).abs().max().item<double>());
            }

            if (step == 2)
            {
                // Other buckets, the same state.
                Expect.True(given.Reducer.Rebuild([2, 0, 3, 1]), "the buckets stayed the same");
            }
        }

        Dictionary<string, Tensor> state = hook.StateDict(given.Named);
        for (int i = 0; i < Shapes.Length; i++)
        {
            Tensor left = state.TryGetValue($"p{i}.error", out Tensor? error) ? error.to(float64) : zeros([1], float64);
            Expect.True((error is null) == (Shapes[i].Length == 1), "errors are kept of matrices only");
            group.AllReduce(left, ReduceOp.Average);
            Expect.Near(means[i], sums[i] + left.reshape(error is null ? [1] : Shapes[i]), communication is null || error is not null ? 1e-4 : 0.1, $"error feedback, {communication}, parameter {i}");
        }

        Expect.True(largestLoss > 0.1, "nothing was compressed");
        long sent = (12 + 9) + (6 + 12) + 5 + (20 + 4);
        Expect.True((hook.GradientElements, hook.SentElements) == (108 + 72 + 5 + 80, sent), $"{hook.GradientElements} elements as {hook.SentElements}");
    }

    private static void FirstStepsAreExact(ProcessGroup group)
    {
        using var hook = new PowerSGDHook(new PowerSGDOptions { StartPowerSGDIteration = 2 });
        using var given = new GivenGradients(group, hook, float32, 1, [30, 40]);
        double[] losses = [.. Enumerable.Range(0, 3).Select(step => (given.Step(step)[0] - given.Mean(0, step)).abs().max().item<double>())];
        Expect.True(losses[0] < 1e-6 && losses[1] < 1e-6 && losses[2] > 0.1, $"losses {string.Join(", ", losses)}");
        Expect.True(hook.Iteration == 3, $"iteration {hook.Iteration}");
    }

    // A step of zero gradients makes factors of zeros; the next one must be approximated again.
    private static void NothingIsLostToZeros(ProcessGroup group)
    {
        using var hook = new PowerSGDHook(new PowerSGDOptions { MatrixApproximationRank = 2, StartPowerSGDIteration = 0, UseErrorFeedback = false });
        using var given = new GivenGradients(group, hook, float32, 1, [16, 16]);
        given.Reducer.Backward((given.Named[0].Parameter * 0).sum());
        Expect.Equal(zeros([16, 16]), given.Named[0].Parameter.grad!, "zeros");
        Tensor ofRankOne = ones([16, 16]) * 3;
        given.Reducer.ZeroGradients();
        given.Reducer.Backward((given.Named[0].Parameter * ofRankOne).sum());
        Expect.Near(ofRankOne, given.Named[0].Parameter.grad!, 1e-5, "a matrix of rank one");
    }
}
