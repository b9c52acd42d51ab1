using Convoy.Distributed.Backends.Single;
using Convoy.Metrics;
using Convoy.Torch.Nn;
using Convoy.Training.Loading;
using Convoy.Training.Options;
using Convoy.Training.Runs;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Convoy.Training.Tests.Runs;

/// <summary>One step on a batch that is given, against the same step in plain TorchSharp.</summary>
public sealed class TrainingStepTests : IDisposable
{
    private static readonly TrainingOptions Options = SmallRuns.Options with { Clip = 0.1, Fuse = FusedOperations.None, ChannelsLast = false, SyncBn = false };

    private readonly SmallRuns _runs = new();
    private readonly ProcessGroupSingle _group = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _group.Dispose();
        _runs.Dispose();
    }

    [Fact]
    public void Run_OnABatch_IsTheStepOfPlainTorchSharp()
    {
        using TensorBatch batch = Batch(seed: 7);
        SmallModel plain = Model();
        optim.Optimizer optimizer = optim.SGD(plain.parameters(), 1, momentum: 0.9);
        using TrainingStep<SmallModel, TensorBatch> step = Step(Options);
        for (int number = 1; number <= 3; number++)
        {
            double rate = 0.1 / number;
            optimizer.ParamGroups.Single().LearningRate = rate;
            optimizer.zero_grad();
            Tensor loss = functional.cross_entropy(plain.call(batch[0]), batch[1]);
            loss.backward();
            nn.utils.clip_grad_norm_(plain.parameters(), 0.1);
            optimizer.step();

            step.Begin();
            (StepMetrics metrics, bool stops) = step.Run(batch, new PlannedStep(number, IsUpdate: true, rate));

            Assert.Equal(loss.item<float>(), metrics.Loss);
            Assert.Equal((number, rate, 4, 0, 1, 1), (metrics.Step, metrics.LearningRate, metrics.BatchSize, metrics.Rank, metrics.WorldSize, metrics.Threads));
            Assert.False(stops);
            AssertSameState(plain, step.Model);
        }
    }

    [Fact]
    public void Run_StepsOfOneUpdate_UpdateWithTheMeanOfTheirGradients()
    {
        using TensorBatch first = Batch(seed: 7), second = Batch(seed: 8);
        SmallModel plain = Model();
        optim.Optimizer optimizer = optim.SGD(plain.parameters(), 0.1, momentum: 0.9);
        (functional.cross_entropy(plain.call(first[0]), first[1]) / 2).backward();
        (functional.cross_entropy(plain.call(second[0]), second[1]) / 2).backward();
        Tensor[] gradients = [.. plain.parameters().Select(parameter => parameter.grad!.clone())];
        optimizer.step();
        var seen = new List<PlannedStep>();
        TrainingStep<SmallModel, TensorBatch>? watched = null;
        using TrainingStep<SmallModel, TensorBatch> step = watched = Step(Options with { Accumulate = 2, Clip = 0 }, planned =>
        {
            seen.Add(planned);
            Assert.All(watched!.Model.parameters().Zip(gradients), pair => Assert.True(pair.First.grad!.allclose(pair.Second, 1e-5, 1e-7)));
        });
        Tensor before = step.Model.parameters().First().clone();

        step.Begin();
        StepMetrics metrics = step.Run(first, new PlannedStep(1, IsUpdate: false, 0.1)).Metrics;
        TensorAssert.Identical(before, step.Model.parameters().First());
        Assert.Equal(0, metrics.OptimizerTime);
        step.Begin();
        step.Run(second, new PlannedStep(2, IsUpdate: true, 0.1));

        Assert.Equal([new PlannedStep(2, IsUpdate: true, 0.1)], seen);
        Assert.All(plain.parameters().Zip(step.Model.parameters()), pair => Assert.True(pair.Second.allclose(pair.First, 1e-5, 1e-7)));
        Assert.All(step.Model.parameters(), parameter => Assert.Equal(0, parameter.grad?.abs().sum().item<float>() ?? 0));
    }

    [Fact]
    public void Run_AnyStep_HasItsWholeRecord()
    {
        using TensorBatch batch = Batch(seed: 7);
        using TrainingStep<SmallModel, TensorBatch> step = Step(Options);
        step.ElapsedBefore = 1000;

        step.Begin();
        StepMetrics metrics = step.Run(batch, new PlannedStep(1, IsUpdate: true, 0.1)).Metrics;

        // The processor's clock may be coarser than the step.
        Assert.True(metrics.CpuTime >= 0);
        Assert.True(metrics.PeakMemoryBytes > 1 << 20);
        Assert.NotNull(metrics.ContextSwitches);
        Assert.Equal(HostProbe.Read().CounterRefusal is null, metrics.Counters?.CacheMisses >= 0);
        Assert.Equal(File.Exists("/proc/thread-self/schedstat"), metrics.RunQueueTime >= 0);

        // Each parameter's place begins at a multiple of 64 bytes.
        Assert.Equal(step.Model.parameters().Sum(parameter => ((parameter.numel() * 4) + 63) / 64 * 64), Assert.Single(metrics.Buckets!).Bytes);
        Assert.True(metrics.Buckets![0].Ready >= 0);
        Assert.True(metrics.StepTime > 0 && metrics.ForwardTime > 0 && metrics.BackwardTime > 0 && metrics.OptimizerTime > 0 && metrics.DataTime >= 0 && metrics.WaitTime >= 0);
        Assert.Equal(metrics.StepTime!.Value, metrics.DataTime!.Value + metrics.ForwardTime.Value + metrics.BackwardTime.Value + metrics.OptimizerTime.Value + metrics.WaitTime!.Value + metrics.CommTime!.Value, 1e-3);
        Assert.True(metrics.ElapsedTime >= 1000);
        Assert.Null(metrics.Evaluation);
    }

    [Fact]
    public void Run_AskedToStop_SaysSo()
    {
        using TensorBatch batch = Batch(seed: 7);
        using TrainingStep<SmallModel, TensorBatch> step = Step(Options);

        step.Begin();

        Assert.True(step.Run(batch, new PlannedStep(1, IsUpdate: true, 0.1), stop: true).AnyRankStops);
    }

    [Fact]
    public void Run_LossThatIsNoNumber_EndsTheRun()
    {
        using TensorBatch batch = Batch(seed: 7);
        batch[0].fill_(double.NaN);
        using TrainingStep<SmallModel, TensorBatch> step = Step(Options);

        step.Begin();

        Assert.StartsWith("the loss is no longer finite (NaN at step 5).", Assert.Throws<TrainingDivergedException>(() => step.Run(batch, new PlannedStep(5, IsUpdate: true, 0.1))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_ModelWithTwoInputs_Trains()
    {
        var task = new TwoInputTask();
        TrainingOptions options = SmallRuns.Options with { Steps = 40, BatchSize = 16 };

        _runs.Train("whole", task, options);
        _runs.Train("parts", task, options, stopAfter: 20);
        _runs.Train("parts", task, options);

        Assert.True(_runs.Losses("whole")[^5..].Average() < 0.75 * _runs.Losses("whole")[..5].Average(), string.Join(' ', _runs.Losses("whole")));
        Assert.Equal(_runs.Losses("whole"), _runs.Losses("parts"));
        _runs.AssertSameCheckpoints("whole", "parts");
    }

    private static SmallModel Model()
    {
        random.manual_seed(3);
        return new SmallModel(dropout: 0);
    }

    private static TensorBatch Batch(ulong seed)
    {
        (Tensor pictures, Tensor brighter) = SmallTask.Draw(4, seed);
        return new TensorBatch([0, 1, 2, 3], pictures, brighter);
    }

    private static void AssertSameState(Module expected, Module actual)
    {
        Dictionary<string, Tensor> state = actual.state_dict();
        Assert.All(expected.state_dict(), entry => TensorAssert.Identical(entry.Value, state[entry.Key]));
    }

    private TrainingStep<SmallModel, TensorBatch> Step(TrainingOptions options, Action<PlannedStep>? beforeUpdate = null)
    {
        var task = new SmallTask { Optimizer = (model, _) => optim.SGD(model.parameters(), 1, momentum: 0.9) };
        return new TrainingStep<SmallModel, TensorBatch>(task, Model(), new TrainingContext(options, _group, "none")) { BeforeUpdate = beforeUpdate };
    }

    /// <summary>Whether the first of two numbers is the greater one.</summary>
    private sealed class TwoInputTask : ITrainingTask<TwoInputModel, TensorBatch>
    {
        public IBatchSource<TensorBatch> OpenData(TrainingContext context)
        {
            using var generator = new Generator(4);
            Tensor left = randn([64, 1], generator: generator).DetachFromDisposeScope(), right = randn([64, 1], generator: generator).DetachFromDisposeScope();
            return new TensorBatches(context.LocalBatchSize, dropLast: true, left, right, (left > right).to(float32).DetachFromDisposeScope());
        }

        public TwoInputModel CreateModel(TrainingContext context) => new();

        public Tensor Loss(TwoInputModel model, TensorBatch batch) => functional.binary_cross_entropy_with_logits(model.call(batch[0], batch[1]), batch[2]);
    }

    private sealed class TwoInputModel : Module<Tensor, Tensor, Tensor>
    {
        private readonly Module<Tensor, Tensor> left = Linear(1, 16);
        private readonly Module<Tensor, Tensor> right = Linear(1, 16);
        private readonly Module<Tensor, Tensor> head = Sequential(BatchNorm1d(16), ReLU(), Linear(16, 1));

        public TwoInputModel()
            : base(nameof(TwoInputModel)) => RegisterComponents();

        public override Tensor forward(Tensor first, Tensor second) => head.call(left.call(first) + right.call(second));
    }
}
