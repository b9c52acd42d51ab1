using System.Globalization;
using System.Text.Json.Nodes;
using Convoy.Distributed.Launch;
using Convoy.Torch.Nn;
using Convoy.Training.Loading;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// A part of a run in float64 whose number of ranks may be another in each part. Arguments: the run's folder, and the step after which rank 0 asks for an end; 0 for the run's own end. Each rank writes a line
/// "samples: INDICES" for every step that it takes, rank 0 "step: NUMBER lr RATE loss LOSS" and, at the end, "weights: ...". The third argument is LrScale; 0 for none. The fourth: milliseconds that each step takes at least, for
/// parts that end when they are asked to by a signal.
/// </summary>
internal static class ElasticTraining
{
    private const int Samples = 50, BatchSize = 8, Steps = 12;

    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));
        long stopAfter = long.Parse(args[1], CultureInfo.InvariantCulture);
        var run = new RunDirectory(args[0]);
        var start = new TrainingOptions { Nproc = group.Size, Threads = 1, BatchSize = BatchSize, Accumulate = 1, Workers = 0, Steps = Steps, Lr = 0.05, Clip = 0, Fuse = FusedOperations.None, ChannelsLast = false };
        if (args[2] != "0")
        {
            start = start with { LrScale = int.Parse(args[2], CultureInfo.InvariantCulture) };
        }

        if (File.Exists(run.Config))
        {
            start = run.ReadConfig().Continued().Training with { Nproc = group.Size };
        }

        start.Validate();
        group.Barrier();
        var configuration = new RunConfiguration(start, new JsonObject());
        if (group.Rank == 0)
        {
            run.WriteConfig(configuration);
        }

        using var signals = new StopSignals();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(signals.Token);
        using var trainer = new Trainer<Network, TensorBatch>(new Task { Pace = TimeSpan.FromMilliseconds(double.Parse(args[3], CultureInfo.InvariantCulture)) }, configuration, run, new TrainingContext(start, group, run.Root));
        trainer.Run(new Listener(stopAfter, stop), stop.Token);
        if (group.Rank == 0)
        {
            IEnumerable<double> weights = trainer.Model.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal).SelectMany(entry => entry.Value.to(float64).reshape(-1).data<double>().ToArray());
            Console.Out.WriteLine($"weights: {string.Join(' ', weights.Select(weight => weight.ToString("R", CultureInfo.InvariantCulture)))}");
        }
    }

    private sealed class Task : ITrainingTask<Network, TensorBatch>
    {
        public TimeSpan Pace { get; init; }

        public IBatchSource<TensorBatch> OpenData(TrainingContext context)
        {
            using var generator = new Generator(3);
            return new TensorBatches(context.LocalBatchSize, dropLast: true, randn([Samples, 3, 6], float64, generator: generator), randn([Samples], float64, generator: generator));
        }

        public Network CreateModel(TrainingContext context) => new();

        public optim.Optimizer CreateOptimizer(Network model, TrainingContext context) => optim.SGD(model.parameters(), context.Options.PeakLr, momentum: 0.9);

        public Tensor Loss(Network model, TensorBatch batch)
        {
            Thread.Sleep(Pace);
            Console.Out.WriteLine($"samples: {string.Join(' ', batch.Indices)}");
            return nn.functional.mse_loss(model.call(batch[0]).squeeze(1), batch[1]);
        }
    }

    private sealed class Network : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> layers = nn.Sequential(nn.Conv1d(3, 4, 3, dtype: float64), nn.BatchNorm1d(4, dtype: float64), nn.Tanh(), nn.Flatten(), nn.Linear(16, 1, dtype: float64));

        public Network()
            : base(nameof(Network)) => RegisterComponents();

        public override Tensor forward(Tensor input) => layers.call(input);
    }

    private sealed class Listener(long stopAfter, CancellationTokenSource stop) : IProgress<TrainingEvent>
    {
        public void Report(TrainingEvent value)
        {
            if (value.Step is { } step)
            {
                Console.Out.WriteLine(FormattableString.Invariant($"step: {step.Step} lr {step.LearningRate:R} loss {step.Loss:R}"));
                if (step.Step == stopAfter)
                {
                    stop.Cancel();
                }
            }
        }
    }
}
