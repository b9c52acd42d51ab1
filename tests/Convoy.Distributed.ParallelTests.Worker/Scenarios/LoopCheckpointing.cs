using Convoy.Distributed.Nn;
using Convoy.Distributed.Optim;
using Convoy.Torch.Optim;
using Convoy.Training;
using Convoy.Training.Loops;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>Checkpoints of a training loop on several ranks. Arguments: the folder, and <c>zero</c> for an optimizer whose state is spread over the ranks.</summary>
internal static class LoopCheckpointing
{
    private const int Features = 6;

    public static void Run(string[] args)
    {
        using ProcessGroup group = Groups.Join(args);
        using var scope = NewDisposeScope();
        string folder = args[0];
        bool zero = args.Contains("zero");
        using (var whole = new Loop(group, folder, zero))
        {
            whole.Run(3);
            whole.Save(3);
            whole.Run(3);
            random.manual_seed(group.Rank + 100);
            using var resumed = new Loop(group, folder, zero);
            Expect.True(resumed.Load() == 3, "the step");
            resumed.Run(3);
            Expect.Equal(whole.Weight, resumed.Weight, "the weights of the run that was resumed");
            using var torn = new Loop(group, folder, zero, hasOptimizer: false);
            torn.Load();
            torn.Run(3);
            Expect.True(!torn.Weight.eq(whole.Weight).all().item<bool>(), "without the optimizer's state it goes on otherwise");
        }

        if (zero)
        {
            GoOnWithoutZero(group, folder);
        }

        Refuse(group, folder);
    }

    // The file has the whole state: a plain optimizer goes on with it.
    private static void GoOnWithoutZero(ProcessGroup group, string folder)
    {
        using var sharded = new Loop(group, folder, zero: true);
        using var plain = new Loop(group, folder, zero: false);
        sharded.Load();
        plain.Load();
        sharded.Load(); // The generators once more.
        sharded.Run(2);
        plain.Load();
        plain.Run(2);
        Expect.Equal(sharded.Weight, plain.Weight, "the weights with a plain optimizer");
    }

    private static void Refuse(ProcessGroup group, string folder)
    {
        // Every rank learns that rank 0 could not write, and the group stays as it is.
        string file = Path.Combine(folder, "file");
        if (group.Rank == 0)
        {
            File.WriteAllText(file, "x");
        }

        group.Barrier();
        using var loop = new Loop(group, Path.Combine(file, "checkpoints"), zero: false);
        Expect.Throws<IOException>(() => loop.Save(1), group.Rank == 0 ? file : "rank 0 could not write the checkpoint of step 1: ");

        // A folder of another session.
        using var other = new Loop(group, folder, zero: false);
        Expect.Throws<BadInputException>(() => other.Save(4), "has checkpoints of an earlier session");
        using Tensor one = ones(1);
        group.AllReduce(one);
        Expect.True(one.item<float>() == group.Size, "the group after the errors");
    }

    private sealed class Loop : IDisposable
    {
        private readonly Sequential _network;
        private readonly DistributedDataParallel<Tensor, Tensor> _model;
        private readonly optim.Optimizer _optimizer;
        private readonly LoopCheckpoints _checkpoints;

        public Loop(ProcessGroup group, string folder, bool zero, bool hasOptimizer = true)
        {
            _network = nn.Sequential(("first", nn.Linear(Features, 8)), ("dropout", nn.Dropout(0.5)), ("second", nn.Linear(8, 2)));
            _model = new DistributedDataParallel<Tensor, Tensor>(_network, group);
            _optimizer = zero ? new ZeroRedundancyOptimizer(_model.parameters(), group, parameters => new FusedAdamW(parameters, 0.01)) : new FusedAdamW(_model.parameters(), 0.01);
            _checkpoints = new LoopCheckpoints(folder, group).Add("model", _model);
            if (hasOptimizer)
            {
                _checkpoints.Add("optimizer", _optimizer);
            }
        }

        public Tensor Weight => _network.parameters().First();

        public int Load() => _checkpoints.Load(0);

        public void Save(int step) => _checkpoints.Save(step, step);

        public void Run(int steps)
        {
            for (int step = 0; step < steps; step++)
            {
                // The ranks' samples are the same, so that only dropout differs.
                _model.Backward(_model.call(ones(4, Features)).square().mean());
                _optimizer.step();
                _model.ZeroGrad();
            }
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _model.Dispose();
            _network.Dispose();
        }
    }
}
