using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// One layer on parts of different size against batch norm on the whole, forward and backward: outputs, input gradients, running
/// statistics; over dimensions, memory formats and channel counts that do not fit vectors.
/// </summary>
internal static class SyncBatchNormStatistics
{
    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroup.FromEnvironment(TimeSpan.FromSeconds(60));
        foreach (long[] rest in (long[][])[[], [9], [7, 5], [3, 4, 5], [33, 40]])
        {
            foreach (long channels in (long[])[1, 3, 16, 37])
            {
                Compare(group, channels, rest, channelsLast: false);
                Compare(group, channels, rest, channelsLast: rest.Length == 2);
            }
        }
    }

    private static void Compare(ProcessGroup group, long channels, long[] rest, bool channelsLast)
    {
        using var scope = NewDisposeScope();
        // Rank r has r + 1 images; the mean is far from 0, where sums of squares cancel.
        long total = group.Size * (group.Size + 1) / 2, first = group.Rank * (group.Rank + 1) / 2, own = group.Rank + 1;
        if (total * rest.Aggregate(1L, (a, b) => a * b) < 2)
        {
            return;
        }

        using var generator = new Generator(3);
        Tensor whole = randn([total, channels, .. rest], float32, generator: generator) + 30;
        Tensor weight = rand([channels], float32, generator: generator), bias = rand([channels], float32, generator: generator);
        Tensor direction = randn(whole.shape, float32, generator: generator);

        Tensor reference = whole.clone().requires_grad_();
        Tensor referenceMean = zeros(channels), referenceVariance = ones(channels);
        Tensor expected = nn.functional.batch_norm(reference, referenceMean, referenceVariance, weight, bias, training: true, momentum: 0.1, eps: 1e-5);
        (expected * direction).sum().backward();

        using var layer = new SyncBatchNorm(channels, group);
        layer.load_state_dict(new Dictionary<string, Tensor>
        {
            ["weight"] = weight, ["bias"] = bias, ["running_mean"] = zeros(channels), ["running_var"] = ones(channels), ["num_batches_tracked"] = zeros([], int64),
        });
        Tensor part = whole.narrow(0, first, own).clone();
        part = (channelsLast ? part.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : part).requires_grad_();
        Tensor output = layer.call(part);
        (output * direction.narrow(0, first, own)).sum().backward();

        string what = $"[{channels}, {string.Join(", ", rest)}] channelsLast {channelsLast}";
        Near(expected.narrow(0, first, own), output, what + ": output");
        Near(reference.grad!.narrow(0, first, own), part.grad!, what + ": input gradient");
        Near(referenceMean, layer.get_buffer("running_mean")!, what + ": running mean");
        Near(referenceVariance, layer.get_buffer("running_var")!, what + ": running variance");
        Expect.True(layer.get_buffer("num_batches_tracked")!.item<long>() == 1, what + ": num_batches_tracked");
        if (channelsLast)
        {
            Expect.True(output.permute(0, 2, 3, 1).is_contiguous(), what + ": output is not channels-last");
        }

        // The parts' weight gradients add up to the whole's.
        Tensor sum = layer.get_parameter("weight")!.grad!.clone();
        group.AllReduce(sum);
        Tensor normalised = (expected - bias.reshape([1, channels, .. rest.Select(_ => 1L)])) / weight.reshape([1, channels, .. rest.Select(_ => 1L)]);
        long[] others = [0, .. Enumerable.Range(2, rest.Length).Select(d => (long)d)];
        Near((normalised * direction).sum(others), sum, what + ": weight gradient", 2e-3);
    }

    private static void Near(Tensor expected, Tensor actual, string what, double tolerance = 1e-4)
    {
        float difference = (expected - actual).abs().max().item<float>();
        Expect.True(difference <= tolerance * Math.Max(1, expected.abs().max().item<float>()), $"{what} differs by {difference}");
    }
}
