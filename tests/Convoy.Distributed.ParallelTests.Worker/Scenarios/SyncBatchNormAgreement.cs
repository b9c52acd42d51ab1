using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>When SyncBatchNorm talks to the other ranks and when not, and what it says when they do not agree.</summary>
internal static class SyncBatchNormAgreement
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        using var layer = new SyncBatchNorm(3, group, dtype: ScalarType.Float64);
        using var untracked = new SyncBatchNorm(3, group, trackRunningStats: false);

        EvaluationIsSilent(group, layer);
        EvaluationIsSilent(group, untracked);
        BackwardWithoutInputGradientIsSilent(group);
        FrozenLayerIsSilent(group);
        FrozenWeightGetsNoGradient(group);
        OneValueAChannelIsRefusedByAll(group, layer);
        GradientOnSomeRanksIsRefusedByAll(group, layer);
        SecondDerivativesAreThoseOfTheWhole(group);
    }

    // Only rank 0 does it: were it to communicate, its next message would meet another one, and the barrier would say so.
    private static void EvaluationIsSilent(ProcessGroup group, SyncBatchNorm layer)
    {
        layer.eval();
        if (group.Rank == 0)
        {
            Tensor input = randn(2, 3, 4, 4, dtype: layer.get_parameter("weight")!.dtype).requires_grad_();
            layer.call(input).sum().backward();
        }

        layer.train();
        group.Barrier();
    }

    private static void BackwardWithoutInputGradientIsSilent(ProcessGroup group)
    {
        using var layer = new SyncBatchNorm(3, group);
        Tensor output = layer.call(randn(2, 3, 4, 4));
        if (group.Rank == 0)
        {
            output.square().sum().backward();
            Expect.True(layer.get_parameter("weight")!.grad!.abs().sum().item<float>() > 0, "no weight gradient");
        }

        group.Barrier();
    }

    private static void FrozenLayerIsSilent(ProcessGroup group)
    {
        using nn.Module<Tensor, Tensor> network = SyncBatchNorm.Convert(nn.Sequential(("a", nn.BatchNorm2d(3)), ("b", nn.BatchNorm2d(3))), group);
        network.modules().OfType<SyncBatchNorm>().First().eval();
        network.call(randn(group.Rank + 1, 3, 4, 4).requires_grad_()).square().sum().backward();
        Expect.True(network.get_buffer("a.num_batches_tracked")!.item<long>() == 0, "the frozen layer counted");
        Expect.True(network.get_buffer("b.num_batches_tracked")!.item<long>() == 1, "the other layer did not count");
        Expect.Equal(zeros(3), network.get_buffer("a.running_mean")!, "frozen running mean");
    }

    private static void FrozenWeightGetsNoGradient(ProcessGroup group)
    {
        using var layer = new SyncBatchNorm(3, group);
        layer.get_parameter("weight")!.requires_grad = false;
        Tensor input = randn(2, 3, 4, 4).requires_grad_();
        layer.call(input).square().sum().backward();
        Expect.True(layer.get_parameter("weight")!.grad is null, "a weight without requires_grad has a gradient");
        Expect.True(layer.get_parameter("bias")!.grad is not null && input.grad is not null, "bias or input have no gradient");
    }

    private static void OneValueAChannelIsRefusedByAll(ProcessGroup group, SyncBatchNorm layer)
    {
        Tensor input = randn(group.Rank == 0 ? 1 : 0, 3, 1, 1, dtype: float64);
        string message = Message<ArgumentException>(() => layer.call(input));
        Expect.True(message.Contains("needs more than 1 value a channel", StringComparison.Ordinal), message);
        Expect.True(layer.get_buffer("num_batches_tracked")!.item<long>() == 0, "a refused batch was counted");
        group.Barrier();
    }

    private static void GradientOnSomeRanksIsRefusedByAll(ProcessGroup group, SyncBatchNorm layer)
    {
        Tensor input = randn(2, 3, 1, 1, dtype: float64);
        input.requires_grad = group.Rank == 1;
        string message = Message<InvalidOperationException>(() => layer.call(input));
        Expect.True(message.Contains("needs a gradient on rank 1 and not on rank ", StringComparison.Ordinal), message);
        group.Barrier();
    }

    private static void SecondDerivativesAreThoseOfTheWhole(ProcessGroup group)
    {
        using var generator = new Generator(7);
        Tensor whole = randn([2 * group.Size, 3, 4], float64, generator: generator);
        using var reference = nn.BatchNorm1d(3, dtype: float64);
        using var layer = new SyncBatchNorm(3, group, dtype: float64);

        // The penalty of a gradient, as a loss.
        Tensor expectedInput = whole.clone().requires_grad_();
        Tensor expected = autograd.grad([reference.call(expectedInput).pow(3).sum()], [expectedInput], retain_graph: true, create_graph: true)[0];
        expected.pow(3).sum().backward();
        Tensor input = whole.narrow(0, 2 * group.Rank, 2).clone().requires_grad_();
        Tensor gradient = autograd.grad([layer.call(input).pow(3).sum()], [input], retain_graph: true, create_graph: true)[0];
        gradient.pow(3).sum().backward();

        Near(expected.narrow(0, 2 * group.Rank, 2), gradient, "first derivative");
        Near(expectedInput.grad!.narrow(0, 2 * group.Rank, 2), input.grad!, "second derivative");
        Tensor sum = layer.get_parameter("weight")!.grad!;
        group.AllReduce(sum);
        Near(reference.weight!.grad!, sum, "second derivative by the weight");
    }

    private static void Near(Tensor expected, Tensor actual, string what)
    {
        double difference = (expected - actual).abs().max().item<double>(), scale = Math.Max(1, expected.abs().max().item<double>());
        Expect.True(difference <= 1e-10 * scale, FormattableString.Invariant($"{what} differs by {difference}"));
    }

    private static string Message<TException>(Action action)
        where TException : Exception
    {
        try
        {
            action();
        }
        catch (TException error)
        {
            return error.Message;
        }

        throw new InvalidOperationException($"no {typeof(TException).Name} was thrown");
    }
}
