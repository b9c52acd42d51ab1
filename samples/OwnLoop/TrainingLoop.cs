using Convoy.Distributed;
using Convoy.Distributed.Data;
using Convoy.Distributed.Nn;
using Convoy.Torch.Optim;
using Convoy.Training;
using Convoy.Training.Loops;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Samples.OwnLoop;

/// <summary>
/// A whole training loop of one's own, on one process or many: gradients of several batches in an update, averaged weights, early stopping, evaluation over all ranks,
/// and checkpoints from which it goes on, to the bit, when it is killed and started again.
/// </summary>
internal sealed class TrainingLoop : IDisposable
{
    private const int BatchSize = 32; // of all processes together
    private readonly ProcessGroup _group;
    private readonly Signals _data = Signals.Draw(600, seed: 1), _heldOut = Signals.Draw(250, seed: 2);
    private readonly DistributedDataParallel<Tensor, Tensor> _model;
    private readonly FusedAdamW _optimizer;
    private readonly optim.lr_scheduler.LRScheduler _schedule;
    private readonly ExponentialMovingAverage _average;
    private readonly GradientAccumulation _accumulation;
    private readonly EarlyStopping _stopping;
    private readonly DistributedSampler _sampler;

    public TrainingLoop(ProcessGroup group, int patience)
    {
        _group = group;
        if (BatchSize % group.Size != 0)
        {
            throw new BadInputException(FormattableString.Invariant($"{group.Size} processes cannot share a batch of {BatchSize} equally. Start a number of them that divides it."));
        }

        RandomSources random = group.Seed(0);
        _model = new DistributedDataParallel<Tensor, Tensor>(SyncBatchNorm.Convert(new SignalClassifier(), group), group);
        random.SeparateRanks(); // The ranks' models are alike; their dropout, were there any, is not.
        _optimizer = new FusedAdamW(_model.parameters(), lr: 0.01) { ZeroGradients = true };
        _schedule = optim.lr_scheduler.StepLR(_optimizer, 4, gamma: 0.5);
        _average = new ExponentialMovingAverage(_model, decay: 0.98, warmup: true);
        _accumulation = new GradientAccumulation(steps: 2, _model.NoSync);
        _stopping = new EarlyStopping(group, patience, higherIsBetter: true);
        _sampler = new DistributedSampler(_data.Count, group, shuffle: true, seed: 0);
    }

    /// <summary>Trains on from the folder's newest checkpoint, until a rank is asked to stop.</summary>
    public void Run(string folder, int epochs, CancellationToken stop)
    {
        LoopCheckpoints checkpoints = new LoopCheckpoints(folder, _group) { Best = new MetricGoal("accuracy"), Warn = Console.Error.WriteLine }
            .Add("model", _model).Add("optimizer", _optimizer).Add("schedule", _schedule).Add("average", _average).Add("stopping", _stopping);
        Progress at = checkpoints.Load(new Progress(Epochs: 0, IsDone: false));
        bool isAsked = false;
        while (at.Epochs < epochs && !at.IsDone && !isAsked)
        {
            (double loss, isAsked) = TrainEpoch(at.Epochs, stop);
            IReadOnlyDictionary<string, double> metrics = Evaluate();
            _schedule.step();
            at = new Progress(at.Epochs + 1, _stopping.Check(metrics["accuracy"]));
            checkpoints.Save(at.Epochs, at, metrics);
            _group.Print(FormattableString.Invariant($"epoch {at.Epochs}: loss {loss:0.0000}, accuracy {metrics["accuracy"]:0.000}{(at.IsDone ? ", no better for a while: done" : "")}"));
        }
    }

    public void Dispose()
    {
        _average.Dispose();
        _optimizer.Dispose();
        _model.Dispose();
    }

    private (double Loss, bool IsAsked) TrainEpoch(int epoch, CancellationToken stop)
    {
        _model.train();
        _sampler.Epoch = epoch;
        var totals = new MetricTotals();
        long[][] batches = [.. _sampler.Chunk(BatchSize / _group.Size)];
        foreach ((int number, long[] indices) in batches.Index())
        {
            using var scope = NewDisposeScope();
            Signals batch = _data.At(indices);
            using (_accumulation.Begin(isLast: number == batches.Length - 1))
            {
                Tensor loss = nn.functional.cross_entropy(_model.call(batch.Values), batch.Kinds);
                _accumulation.Scale(loss).backward();
                totals.AddMean("loss", loss.item<float>(), indices.Length);
            }

            if (_accumulation.IsUpdate)
            {
                GradientClipping.ClipNorm(_model.parameters(), maxNorm: 1);
                _optimizer.step();
                _average.Update();
            }
        }

        // Any rank's wish is every rank's.
        totals.Add("stop", stop.IsCancellationRequested ? 1 : 0);
        IReadOnlyDictionary<string, double> means = totals.Means(_group);
        return (means["loss"], means["stop"] > 0);
    }

    // Each rank looks at its share; the means are over all of the data, each signal counted once: the sampler repeats none.
    private IReadOnlyDictionary<string, double> Evaluate()
    {
        _model.eval();
        using var scope = NewDisposeScope();
        using IDisposable noGradient = no_grad(), averaged = _average.Swap();
        var totals = new MetricTotals();
        foreach (long[] indices in new DistributedSampler(_heldOut.Count, _group, shuffle: false, pad: false).Chunk(100))
        {
            Signals batch = _heldOut.At(indices);
            totals.Add("accuracy", _model.call(batch.Values).argmax(1).eq(batch.Kinds).sum().item<long>(), indices.Length);
        }

        return totals.Means(_group);
    }
}

/// <summary>Where the loop stands: what it keeps in a checkpoint beside the parts.</summary>
internal sealed record Progress(int Epochs, bool IsDone);
