using Convoy.Distributed;
using Convoy.Torch.Amp;
using Convoy.Training.Loops;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Loops;

/// <summary>A loop with everything that a checkpoint can hold: dropout, momentum, a schedule, a scaler, an average, early stopping, and a state of its own.</summary>
internal sealed class SmallLoop : IDisposable
{
    private readonly Linear _model;
    private readonly optim.Optimizer _optimizer;
    private readonly optim.lr_scheduler.LRScheduler _scheduler;
    private readonly GradScaler _scaler = new(initScale: 4, growthInterval: 2);
    private readonly ExponentialMovingAverage _average;
    private readonly EarlyStopping _stopping;
    private readonly LoopCheckpoints _checkpoints;

    /// <summary>Makes the loop and goes back to its newest checkpoint.</summary>
    /// <param name="folder">The checkpoints.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="without">A part that its checkpoints do not have; null for none.</param>
    public SmallLoop(string folder, ProcessGroup group, string? without = null)
    {
        random.manual_seed(7);
        _model = nn.Linear(6, 3);
        _optimizer = optim.SGD(_model.parameters(), 0.1, momentum: 0.9);
        _scheduler = optim.lr_scheduler.StepLR(_optimizer, 2, gamma: 0.5);
        _average = new ExponentialMovingAverage(_model, decay: 0.9, warmup: true);
        _stopping = new EarlyStopping(group, patience: 99);
        _checkpoints = new LoopCheckpoints(folder, group, keep: 9);
        Add("model", name => _checkpoints.Add(name, _model));
        if (without is not ("optimizer" or "model"))
        {
            _checkpoints.Add("optimizer", _optimizer);
        }

        Add("scaler", name => _checkpoints.Add(name, _scaler));
        Add("scheduler", name => _checkpoints.Add(name, _scheduler));
        Add("ema", name => _checkpoints.Add(name, _average));
        Add("stopping", name => _checkpoints.Add(name, _stopping));
        Progress = _checkpoints.Load(new Progress(0, []));

        void Add(string name, Action<string> add)
        {
            if (name != without)
            {
                add(name);
            }
        }
    }

    public Progress Progress { get; private set; }

    /// <summary>All that a later step depends on, in digits.</summary>
    public string State => string.Join(
        '|',
        Values(_model.weight!),
        Values(_average.Tensors["weight"]),
        FormattableString.Invariant($"{_average.Updates} {_stopping.Best} {_stopping.Wait} {_scaler.GetScale()} {_scaler.GrowthTracker} {_optimizer.ParamGroups.First().LearningRate}"));

    /// <summary>Takes steps up to a number, with a checkpoint after each.</summary>
    public void Run(int steps)
    {
        while (Progress.Step < steps)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor input = nn.functional.dropout(ones(8, 6), 0.5);
            Tensor loss = (_model.call(input) - 1).square().mean();
            _scaler.Scale(loss).backward();
            _scaler.Step(_optimizer);
            _scaler.Update();
            _optimizer.zero_grad();
            _scheduler.step();
            _average.Update();
            double value = loss.item<float>();
            _stopping.Check(value);
            Progress = new Progress(Progress.Step + 1, [.. Progress.Losses, value]);
            _checkpoints.Save(Progress.Step, Progress);
        }
    }

    public void Dispose()
    {
        _average.Dispose();
        _optimizer.Dispose();
        _model.Dispose();
    }

    private static string Values(Tensor tensor) => Convert.ToHexString(TensorAssert.Bytes(tensor));
}

/// <summary>Where the loop stands.</summary>
internal sealed record Progress(int Step, IReadOnlyList<double> Losses);
