using System.Text.Json;
using Convoy.Distributed.Nn;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// Three programs as their users write them, with <c>loss.backward()</c>: convolutions with batch norm, an LSTM, a transformer encoder. Prints the mean losses of all steps, which must
/// not depend on the number of ranks. Float32; AdamW's epsilon is far above rounding, so that no step follows the sign of a gradient near zero.
/// </summary>
internal static class ThreePrograms
{
    private const int Batch = 12;
    private const int Steps = 8;

    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        var losses = new Dictionary<string, double[]>
        {
            ["convolutions"] = Train(group, SyncBatchNorm.Convert((nn.Module<Tensor, Tensor>)new SmallNetwork(), group), generator => randn([Batch, 3, 9, 8], generator: generator)),
            ["lstm"] = Train(group, new Sequence(), generator => randn([Batch, 7, 6], generator: generator)),
            ["transformer"] = Train(group, new Encoder(), generator => randn([Batch, 5, 8], generator: generator)),
        };
        if (group.Rank == 0)
        {
            Console.WriteLine(JsonSerializer.Serialize(losses));
        }
    }

    private static double[] Train(ProcessGroup group, nn.Module<Tensor, Tensor> network, Func<Generator, Tensor> inputs)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(4);
        int own = Batch / group.Size;
        Tensor input = inputs(generator).narrow(0, group.Rank * own, own), labels = randint(0, 5, [Batch], int64, generator: generator).narrow(0, group.Rank * own, own);
        random.manual_seed(7);
        foreach (Parameter parameter in network.parameters())
        {
            using var noGradient = no_grad();
            parameter.copy_(randn_like(parameter) * 0.3);
        }

        using var model = new DistributedDataParallel<Tensor, Tensor>(network, group);
        using optim.Optimizer optimizer = optim.AdamW(model.parameters(), lr: 0.01, eps: 1e-3);
        double[] losses = new double[Steps];
        for (int step = 0; step < Steps; step++)
        {
            optimizer.zero_grad();
            Tensor loss = nn.functional.cross_entropy(model.call(input), labels);
            loss.backward();
            optimizer.step();
            Tensor mean = loss.detach().clone();
            group.AllReduce(mean, ReduceOp.Average);
            losses[step] = mean.item<float>();
        }

        network.Dispose();
        return losses;
    }

    private sealed class Sequence : nn.Module<Tensor, Tensor>
    {
        private readonly LSTM _lstm = nn.LSTM(6, 10, numLayers: 2, batchFirst: true);
        private readonly Linear _head = nn.Linear(10, 5);

        public Sequence()
            : base(nameof(Sequence)) => RegisterComponents();

        public override Tensor forward(Tensor input) => _head.call(_lstm.call(input).Item1[.., -1]);
    }

    private sealed class Encoder : nn.Module<Tensor, Tensor>
    {
        private readonly TransformerEncoder _encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, dropout: 0, activation: nn.Activations.GELU), 2);
        private readonly Linear _head = nn.Linear(8, 5);

        public Encoder()
            : base(nameof(Encoder)) => RegisterComponents();

        public override Tensor forward(Tensor input) => _head.call(_encoder.call(input.transpose(0, 1)).mean([0]));
    }
}
