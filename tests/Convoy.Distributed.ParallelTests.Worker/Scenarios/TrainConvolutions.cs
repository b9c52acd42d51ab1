using System.Text.Json;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Trains a small network with SyncBatchNorm on this rank's part of a batch and prints losses, gradients and weights, which must
/// not depend on the number of ranks. Arguments: <c>channels-last</c>, <c>accumulate</c>, <c>float32</c> in place of float64.
/// </summary>
internal static class TrainConvolutions
{
    private const int Steps = 6;
    private const int GlobalBatch = 24;

    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        ScalarType type = args.Contains("float32") ? float32 : float64;
        // Other weights on each rank: the wrapper must make them rank 0's.
        random.manual_seed(100 + group.Rank);
        using nn.Module<Tensor, Tensor> network = SyncBatchNorm.Convert((nn.Module<Tensor, Tensor>)new SmallNetwork().to(type), group);
        // A cap so small that there are several buckets.
        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group, new DistributedDataParallelOptions { BucketCapMb = 0.002, FirstBucketCapMb = 0.001 });
        using var optimizer = optim.AdamW(model.parameters(), lr: 0.01);
        (Tensor images, Tensor labels) = Data(type, args.Contains("channels-last"));
        int own = GlobalBatch / group.Size;
        images = images.narrow(0, group.Rank * own, own);
        labels = labels.narrow(0, group.Rank * own, own);

        var losses = new List<double>();
        double[] gradients = [];
        long liveTensors = 0;
        for (int step = 0; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            if (args.Contains("accumulate"))
            {
                using (model.NoSync())
                {
                    Pass.Run(model.Backward, nn.functional.cross_entropy(model.call(images), labels) * 0.5);
                }
            }

            Tensor loss = nn.functional.cross_entropy(model.call(images), labels);
            Pass.Run(model.Backward, args.Contains("accumulate") ? loss * 0.5 : loss);
            Tensor mean = loss.detach().clone();
            group.AllReduce(mean, ReduceOp.Average);
            losses.Add(mean.to(float64).item<double>());
            if (step == 0)
            {
                gradients = [.. model.parameters().SelectMany(p => Values(p.grad!))];
            }

            optimizer.step();
            scope.DisposeEverything();
            liveTensors = step == 2 ? Tensor.TotalCount : liveTensors;
            Expect.True(step <= 2 || Tensor.TotalCount <= liveTensors, $"live tensors grew from {liveTensors} to {Tensor.TotalCount}");
            Expect.True(model.LastTimings is { BackwardSeconds: > 0, CommunicationSeconds: >= 0, WaitSeconds: >= 0 }, "timings");
        }

        RequireEqualReplicas(model, group);
        model.eval();
        double[] evaluated = Values(model.call(images.narrow(0, 0, 1)));
        if (group.Rank == 0)
        {
            double[] weights = [.. model.state_dict().Values.Where(t => t.dtype == type).SelectMany(Values)];
            Console.WriteLine(JsonSerializer.Serialize(new { losses, gradients, weights, evaluated }));
        }
    }

    private static double[] Values(Tensor tensor)
    {
        using Tensor exact = tensor.detach().to(float64).contiguous();
        return exact.data<double>().ToArray();
    }

    private static (Tensor Images, Tensor Labels) Data(ScalarType type, bool channelsLast)
    {
        using var generator = new Generator(7);
        Tensor images = (randn([GlobalBatch, 3, 13, 11], type, generator: generator) * 2) + 5;
        if (channelsLast)
        {
            images = images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
        }

        return (images, randint(0, 5, [GlobalBatch], int64, generator: generator));
    }

    private static void RequireEqualReplicas(nn.Module module, ProcessGroup group)
    {
        foreach ((string name, Tensor tensor) in module.state_dict())
        {
            using Tensor reference = tensor.detach().clone();
            group.Broadcast(reference, 0);
            Expect.Equal(reference, tensor, $"{name} of rank {group.Rank}");
        }
    }
}
