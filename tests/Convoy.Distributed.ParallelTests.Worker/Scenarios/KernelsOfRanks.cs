using System.Text.Json.Nodes;
using Convoy.Torch.Convolution;
using Convoy.Torch.Nn;
using Convoy.Training;
using Convoy.Training.Kernels;
using Convoy.Training.Loading;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// A short run whose ranks may compute by other instructions than each other: each writes the kernels that its convolutions got. Arguments: the run's folder, <c>--fuse</c>'s value, and a kernel
/// that rank 0 keeps in the user's cache as the fastest; empty for none.
/// </summary>
internal static class KernelsOfRanks
{
    private const int Channels = 16, Size = 8;

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        var options = new TrainingOptions { Nproc = group.Size, Threads = 1, BatchSize = 2 * group.Size, Accumulate = 1, Workers = 0, Steps = 2, KeepCheckpoints = 0, Fuse = FuseSetting.Parse(args[1]) };
        if (group.Rank == 0 && args[2].Length > 0)
        {
            var shape = new ConvolutionShape(options.LocalBatchSize, Channels, Size, Size, Channels, 3, 3, 1, 1, 1, 1);
            Expect.True(KernelCache.Of(options, group).Add([.. Enum.GetValues<ConvolutionPass>().Select(pass => new KernelChoice(new ConvolutionKey(shape, ScalarType.Float32, pass), args[2]))]) is null, "the cache takes no choices");
        }

        var run = new RunDirectory(args[0]);
        try
        {
            using var trainer = new Trainer<Network, TensorBatch>(new Task(), new RunConfiguration(options, new JsonObject()), run, new TrainingContext(options, group, run.Root));
            trainer.Run(new Warnings(), CancellationToken.None);
            ConvolutionKernels kernels = trainer.Model.modules().OfType<TunedConv2d>().First().Kernels;
            foreach (string line in kernels.Used.Select(used => $"{used.Key.Shape} {used.Key.Pass}: {used.Value}").Order(StringComparer.Ordinal))
            {
                Console.Out.WriteLine(line);
            }
        }
        catch (BadInputException error)
        {
            Console.Out.WriteLine(error.Message);
        }
    }

    private sealed class Task : ITrainingTask<Network, TensorBatch>
    {
        public IBatchSource<TensorBatch> OpenData(TrainingContext context)
        {
            using var generator = new Generator(3);
            return new TensorBatches(context.LocalBatchSize, dropLast: true, randn([16, Channels, Size, Size], generator: generator));
        }

        public Network CreateModel(TrainingContext context) => new();

        public Tensor Loss(Network model, TensorBatch batch) => model.call(batch[0]).square().mean();
    }

    private sealed class Network : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> layers = nn.Sequential(
            nn.Conv2d(Channels, Channels, 3, padding: 1, bias: false), nn.BatchNorm2d(Channels), nn.ReLU(), nn.Conv2d(Channels, Channels, 3, padding: 1, bias: false), nn.BatchNorm2d(Channels));

        public Network()
            : base(nameof(Network)) => RegisterComponents();

        public override Tensor forward(Tensor input) => layers.call(input);
    }

    private sealed class Warnings : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent value)
        {
            if (value.Warning is { } warning)
            {
                Console.Error.WriteLine(warning);
            }
        }
    }
}
