using Convoy.Distributed;
using Convoy.Distributed.Data;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.Nn;
using Convoy.Metrics;
using Convoy.Torch.Checkpointing;
using Convoy.Torch.Convolution;
using Convoy.Torch.Nn;
using Convoy.Training.Kernels;
using Convoy.Training.Options;
using Convoy.Training.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Runs;

/// <summary>
/// One rank's training step: forward and backward pass over a batch that is given, the exchange of gradients and, where one is due, the update. It measures
/// itself: <see cref="Run"/> gives back the whole record of the step.
/// </summary>
/// <typeparam name="TModel">The model.</typeparam>
/// <typeparam name="TBatch">A batch.</typeparam>
public sealed class TrainingStep<TModel, TBatch> : IDisposable
    where TModel : nn.Module
    where TBatch : IDisposable
{
    private readonly ITrainingTask<TModel, TBatch> _task;
    private readonly TrainingOptions _options;
    private readonly ProcessGroup _group;
    private readonly DistributedDataParallel _parallel;
    private readonly MixedPrecision _precision;
    private readonly ParameterUpdate _update;
    private readonly TimeProvider _time;
    private readonly TraceRecorder? _trace;
    private readonly StepClock _clock;
    private readonly StepUsageMeter _usage = new();
    private readonly double _lossWeight;
    private long? _start;

    /// <summary>Makes the model fast as the settings say, gives all ranks the weights of rank 0, and makes the optimizer. All ranks call it together.</summary>
    /// <param name="task">The task.</param>
    /// <param name="model">Its model, with the weights to start from; the step's to dispose.</param>
    /// <param name="context">The process, its settings and its ranks.</param>
    /// <param name="trace">Told of the steps and their phases; stays the caller's. Null for none.</param>
    public TrainingStep(ITrainingTask<TModel, TBatch> task, TModel model, TrainingContext context, TraceRecorder? trace = null)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(context);
        (_task, Model, _options, _group, _time, _trace) = (task, model, context.Options, context.Group, context.Time, trace);
        _clock = new StepClock(_time);
        _lossWeight = new BatchShare(_options.BatchSize, _group).LossWeight;
        Accelerate();
        _parallel = new DistributedDataParallel(model, _group);
        _precision = new MixedPrecision(_options.Precision, _group);
        _update = new ParameterUpdate(_options, _parallel, _precision.Scaler, task.CreateOptimizer(model, context));
    }

    /// <summary>The model that trains.</summary>
    public TModel Model { get; }

    /// <summary>Name the kernels of the model's convolutions.</summary>
    public ConvolutionKernels Kernels { get; } = new();

    /// <summary>The optimizer over the model's parameters in their order.</summary>
    public optim.Optimizer Optimizer => _update.Optimizer;

    /// <summary>Seconds that earlier sessions of the run trained. Default 0.</summary>
    public double ElapsedBefore { get; set; }

    /// <summary>The gradient scaler's state for a checkpoint; null where the precision needs none.</summary>
    public IReadOnlyDictionary<string, double>? ScalerState => _precision.State;

    /// <summary>Called between the backward pass and the update of a step that has one, when the gradients are the means over all ranks. Default: nobody.</summary>
    public Action<PlannedStep>? BeforeUpdate { get; init; }

    /// <summary>Goes on with a checkpoint's gradient scaler.</summary>
    /// <param name="state">Its state; null for a new one.</param>
    public void RestoreScaler(IReadOnlyDictionary<string, double>? state) => _precision.Restore(state);

    /// <summary>
    /// Gives the model's convolutions their kernels, before the first step, which begins when it is done. All ranks call it together. It leaves no trace in the model: what a forward pass changes and draws at
    /// random is put back.
    /// </summary>
    /// <param name="batch">This rank's part of the first batch; stays the caller's.</param>
    /// <param name="chooser">Chooses.</param>
    /// <exception cref="BadInputException">The file of kernels cannot be read, or this processor lacks one of its kernels.</exception>
    internal void ChooseKernels(TBatch batch, KernelChooser chooser)
    {
        chooser.Choose(Kernels, () => Rehearse(batch));
        _start = null;
        Begin();
    }

    /// <summary>The step begins, before its batch is fetched: waiting for that counts.</summary>
    public void Begin()
    {
        _start ??= _time.GetTimestamp(); // first, so that the run is never shorter than its steps
        _trace?.StartStep();
        _clock.StartStep();
        _usage.StartStep();
    }

    /// <summary>Takes the step that was begun. All ranks call it together, each with its own part of the batch.</summary>
    /// <param name="batch">This rank's part; stays the caller's.</param>
    /// <param name="planned">What is due in it.</param>
    /// <param name="stop">Whether this rank is asked to stop; it is told to the others.</param>
    /// <returns>The whole record of the step, and whether any rank is asked to stop.</returns>
    /// <exception cref="TrainingDivergedException">The loss is no longer finite.</exception>
    /// <exception cref="Distributed.DistributedException">Another rank failed.</exception>
    public (StepMetrics Metrics, bool AnyRankStops) Run(TBatch batch, PlannedStep planned, bool stop = false)
    {
        double dataTime = Lap("data");
        Passes passes = Compute(batch, planned, stop);
        double releaseTime = _clock.Lap(); // of the memory that the step needed
        double stepTime = _clock.StepSeconds; // at once, so that the phases add up to it
        ReducerTimings reduction = _parallel.LastTimings;
        return (_usage.AddTo(new StepMetrics
        {
            Timestamp = _time.GetUtcNow(),
            Rank = _group.Rank,
            Step = planned.Number,
            Loss = passes.MeanLoss,
            BatchSize = _options.BatchSize,
            WorldSize = _group.Size,
            Threads = _options.Threads,
            LearningRate = planned.LearningRate,
            ElapsedTime = ElapsedBefore + _time.GetElapsedTime(_start ?? _time.GetTimestamp()).TotalSeconds,
            StepTime = stepTime,
            DataTime = dataTime,
            ForwardTime = passes.ForwardTime,
            BackwardTime = Math.Max(0, passes.BackwardTime - reduction.CommunicationSeconds - reduction.WaitSeconds) + releaseTime,
            CommTime = reduction.CommunicationSeconds,
            CommTotalTime = reduction.CommunicationTotalSeconds,
            WaitTime = reduction.WaitSeconds + passes.AgreementTime,
            OptimizerTime = planned.IsUpdate ? passes.UpdateTime : 0,
            Buckets = [.. _parallel.LastBuckets.Select(bucket => new BucketMetrics { Bytes = bucket.Bytes, Ready = bucket.ReadySeconds })],
        }), passes.AnyRankStops);
    }

    /// <summary>Measures the model by the task's evaluation; all ranks call it together. Training goes on as if there had been none: also what it draws at random is the same.</summary>
    /// <returns>The means of its metrics; null when it has none.</returns>
    public IReadOnlyDictionary<string, double>? Evaluate(TrainingContext context)
    {
        using Tensor randomState = get_rng_state();
        Model.eval();
        try
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable noGradient = no_grad();
            using IDisposable? region = _precision.EnterForward();
            return _task.Evaluate(Model, context)?.Means(_group);
        }
        finally
        {
            set_rng_state(randomState);
            Model.train();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _update.Dispose();
        _parallel.Dispose();
        _usage.Dispose();
        Model.Dispose();
    }

    // Before anything holds the model's parameters or lays out memory of its own.
    private void Accelerate()
    {
        if (_options.SyncBn)
        {
            SyncBatchNorm.Convert(Model, _group);
        }

        Fusion.Apply(Model, _options.Fuse.Operations, Kernels);
        if (_options.ChannelsLast)
        {
            ChannelsLastWeights.Apply(Model);
        }

        if (_options.HasCheckpointedModules)
        {
            CheckpointActivations();
        }

        Model.train();
    }

    // Last, as it keeps the modules that it stands for.
    private void CheckpointActivations()
    {
        try
        {
            ActivationCheckpoint.Apply(Model, _options.CheckpointedModules);
        }
        catch (ArgumentException error)
        {
            throw new BadInputException($"--checkpoint-activations {_options.CheckpointActivations}: {error.Message}", error);
        }
    }

    private void Rehearse(TBatch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        using Tensor randomState = get_rng_state();
        (Tensor Buffer, Tensor Value)[] buffers = [.. Model.buffers().Select(buffer => (buffer, buffer.clone()))];
        try
        {
            using IDisposable? region = _precision.EnterForward();
            _task.Loss(Model, batch);
        }
        finally
        {
            set_rng_state(randomState);
            using IDisposable noGradient = no_grad();
            foreach ((Tensor buffer, Tensor value) in buffers)
            {
                buffer.copy_(value);
            }
        }
    }

    // All tensors of the step are freed when it returns.
    private Passes Compute(TBatch batch, PlannedStep planned, bool stop)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable? accumulating = planned.IsUpdate ? null : _parallel.NoSync();
        Tensor loss = Forward(batch);
        double forwardTime = Lap("forward");

        _parallel.Backward(_precision.Scaler.Scale(Weighed(loss) / _options.Accumulate));
        _trace?.Lap("backward", TimeSpan.FromSeconds(_parallel.LastTimings.BackwardSeconds));
        double backwardTime = Lap("exposed communication");

        if (planned.IsUpdate)
        {
            BeforeUpdate?.Invoke(planned);
            _update.Run(planned.LearningRate);
        }

        double updateTime = Lap("optimizer");
        (double meanLoss, bool anyRankStops) = ShareLoss(loss, stop, planned.Number);
        return new Passes(meanLoss, anyRankStops, forwardTime, backwardTime, updateTime, Lap("agree"));
    }

    private Tensor Forward(TBatch batch)
    {
        _parallel.BeforeForward();
        using IDisposable? region = _precision.EnterForward();
        Tensor loss = _task.Loss(Model, batch);
        _parallel.AfterForward();
        return loss;
    }

    // The ranks' losses and their wish to stop travel together: one small message a step.
    private (double MeanLoss, bool AnyRankStops) ShareLoss(Tensor loss, bool stop, long step)
    {
        using Tensor shared = tensor([loss.to(ScalarType.Float64).item<double>() * _lossWeight, stop ? 1 : 0], ScalarType.Float64);
        _group.AllReduce(shared, ReduceOp.Average);
        double meanLoss = shared[0].item<double>();
        return double.IsFinite(meanLoss) ? (meanLoss, shared[1].item<double>() > 0) : throw new TrainingDivergedException(step, meanLoss);
    }

    // The mean of the ranks' is then that of the whole batch, also where their shares of it differ.
    private Tensor Weighed(Tensor loss) => _lossWeight == 1 ? loss : loss * _lossWeight;

    private double Lap(string phase)
    {
        _trace?.Lap(phase);
        return _clock.Lap();
    }

    private readonly record struct Passes(double MeanLoss, bool AnyRankStops, double ForwardTime, double BackwardTime, double UpdateTime, double AgreementTime);
}

/// <summary>The loss is no longer a finite number, so no further step can repair the weights.</summary>
public sealed class TrainingDivergedException : Exception
{
    /// <param name="step">The step, from 1.</param>
    /// <param name="loss">Its loss.</param>
    public TrainingDivergedException(long step, double loss)
        : base(FormattableString.Invariant($"the loss is no longer finite ({loss} at step {step}). Lower --lr, or continue from the last checkpoint with --resume and another --lr."))
    {
    }
}
