using Convoy.Distributed.Nn;
using Convoy.Distributed.Optim;
using Convoy.Torch.Checkpointing;
using Convoy.Torch.Nn;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Training with SyncBatchNorm, dropout, accumulation, DistributedDataParallel and a sharded optimizer, with and without activation checkpoints: the losses, gradients, weights and
/// running statistics must be the same bits.
/// </summary>
internal static class CheckpointedActivations
{
    private const int Channels = 16;

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        float[][] plain = Train(group, checkpointed: false), again = Train(group, checkpointed: true);
        Expect.True(plain.Length == again.Length, $"{plain.Length} and {again.Length} results");
        for (int index = 0; index < plain.Length; index++)
        {
            Expect.True(plain[index].SequenceEqual(again[index]), $"result {index}: {string.Join(' ', plain[index].Take(4))}, checkpointed {string.Join(' ', again[index].Take(4))}");
        }
    }

    private static float[][] Train(ProcessGroup group, bool checkpointed)
    {
        using var scope = NewDisposeScope();
        manual_seed(5 + group.Rank);
        nn.Module<Tensor, Tensor>[] blocks = [.. Enumerable.Range(0, 3).Select(_ => new Block())];
        nn.Module<Tensor, Tensor> network = SyncBatchNorm.Convert(nn.Sequential(blocks), group);
        Fusion.Apply(network, FusedOperations.All);
        if (checkpointed)
        {
            ActivationCheckpoint.Apply(network);
        }

        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        using var optimizer = new ZeroRedundancyOptimizer(network.parameters(), group, parameters => optim.AdamW(parameters, 0.01));
        List<float[]> results = [];
        for (int step = 0; step < 4; step++)
        {
            using IDisposable? accumulating = step % 2 == 0 ? model.NoSync() : null;
            Tensor input = randn(2, Channels, 12, 12).permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2);
            Tensor loss = model.call(input).square().mean();
            Pass.Run(model.Backward, loss);
            results.Add([loss.item<float>(), .. network.parameters().SelectMany(parameter => parameter.grad!.data<float>().ToArray())]);
            if (step % 2 == 1)
            {
                optimizer.step();
                model.ZeroGrad();
            }
        }

        return [.. results, .. network.state_dict().Values.Select(value => value.to(ScalarType.Float32).data<float>().ToArray())];
    }

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> convolution = nn.Conv2d(Channels, Channels, 3, padding: 1, bias: false);
        private readonly nn.Module<Tensor, Tensor> norm = nn.BatchNorm2d(Channels);
        private readonly nn.Module<Tensor, Tensor> dropout = nn.Dropout(0.2);

        public Block()
            : base(nameof(Block)) => RegisterComponents();

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            return norm.CallAddRelu(dropout.call(convolution.call(input)), input).MoveToOuterDisposeScope();
        }
    }
}
