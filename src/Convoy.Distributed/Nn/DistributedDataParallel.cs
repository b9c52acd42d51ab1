using System.Diagnostics;
using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.UnevenInputs;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Data-parallel training of a module with any inputs and outputs: every rank has a replica and its own part of each batch, and
/// <see cref="Backward"/> leaves the mean of all ranks' gradients on every rank. Whoever calls the module calls
/// <see cref="BeforeForward"/> first. <see cref="DistributedDataParallel{T, TResult}"/> and
/// <see cref="DistributedDataParallel{T1, T2, TResult}"/> are this as modules, which do so by themselves.
/// </summary>
/// <remarks>
/// The gradients live in buckets, so zero them with <see cref="ZeroGrad"/> or any <c>zero_grad</c>. A model's outputs for a batch
/// depend on batch norm's statistics, which are those of each rank's own part unless <see cref="SyncBatchNorm"/> replaces it.
/// </remarks>
public sealed class DistributedDataParallel : IJoinable, IDisposable
{
    private readonly ProcessGroup _group;
    private readonly ParameterGuard _guard;
    private readonly ModuleOrder _order;
    private readonly BufferBroadcast? _buffers;
    private long _forwardStart;
    private double _forwardSeconds;
    private int _withoutSync;
    private bool _hasOrder;
    private JoinContext? _join;
    private int _forwardAct;
    private int _backwardAct;
    private bool _hasHook;
    private bool _hasStarted;

    /// <summary>
    /// Prepares <paramref name="module"/>: verifies that it has the same parameters on all ranks, gives all ranks the values of
    /// rank 0, and moves the gradients into buckets. All ranks call it together.
    /// </summary>
    /// <param name="module">The module, on the CPU. It stays the caller's to dispose.</param>
    /// <param name="group">The ranks. It stays the caller's to dispose, after this.</param>
    /// <param name="options">What differs from the defaults; the same on all ranks.</param>
    /// <exception cref="ArgumentException">No parameter requires gradients, or one that does is not a dense floating-point tensor on the CPU.</exception>
    /// <exception cref="ParameterMismatchException">The ranks' modules differ; it names the rank and the first difference.</exception>
    /// <exception cref="DistributedException">A rank failed, or there is not enough shared memory.</exception>
    public DistributedDataParallel(nn.Module module, ProcessGroup group, DistributedDataParallelOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(group);
        options ??= new DistributedDataParallelOptions();
        Module = module;
        _group = group;
        _guard = new ParameterGuard(module);
        if (options.InitSync)
        {
            ModelAgreement.Verify(module, group);
            ModelAgreement.BroadcastState(module, group);
        }

        if (_guard.Trained.Count == 0)
        {
            // PyTorch: "DistributedDataParallel is not needed when a module doesn't have any parameters that require a gradient."
            throw new ArgumentException($"the module {module.GetName()} has no parameter that requires a gradient, so there is nothing to average and DistributedDataParallel is not needed. Call the module itself, or set requires_grad before you wrap it.", nameof(module));
        }

        Reducer = new Reducer(_guard.Trained, group, options);
        _buffers = options.BroadcastBuffers ? new BufferBroadcast(module, group) : null;
        _order = new ModuleOrder(module, [.. _guard.Trained.Select(p => p.Parameter)]);

        // As in PyTorch: with unused parameters the order may differ from step to step.
        _hasOrder = group.Size == 1 || (options.FindUnusedParameters && !options.StaticGraph);
    }

    /// <summary>The module.</summary>
    public nn.Module Module { get; }

    /// <summary>What averages the gradients: its buckets, its group, its communication hook.</summary>
    public Reducer Reducer { get; }

    /// <summary>Where the time of the last step went.</summary>
    public ReducerTimings LastTimings { get; private set; }

    /// <summary>The buckets of the last <see cref="Backward"/>; see <see cref="Reducer.LastBuckets"/>.</summary>
    public IReadOnlyList<BucketTiming> LastBuckets => Reducer.LastBuckets;

    /// <inheritdoc/>
    ProcessGroup IJoinable.JoinGroup => _group;

    /// <summary>Whether <see cref="Dispose"/> has been called.</summary>
    internal bool IsDisposed { get; private set; }

    /// <summary>
    /// What comes before each forward pass: in training mode, the check that the parameters are still those that were wrapped, and
    /// rank 0's buffers for all ranks. All ranks call it together. The forward pass counts from here to
    /// <see cref="AfterForward"/>, or to <see cref="Backward"/> where nobody calls that.
    /// </summary>
    /// <exception cref="InvalidOperationException">A parameter was disposed, replaced or converted since the module was wrapped; the message names it.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or did something else.</exception>
    public void BeforeForward()
    {
        AfterForward();
        _forwardStart = Stopwatch.GetTimestamp();
        bool trains = Module.training && is_grad_enabled();
        if (trains)
        {
            _guard.RequireWhole();
        }

        if (_buffers is not null && _withoutSync == 0 && trains)
        {
            _buffers.Run(_join?.Announce(_forwardAct).Root ?? 0);
        }
    }

    /// <summary>Ends the time of the forward pass, if one was begun.</summary>
    public void AfterForward()
    {
        if (_forwardStart != 0)
        {
            _forwardSeconds += Stopwatch.GetElapsedTime(_forwardStart).TotalSeconds;
            _forwardStart = 0;
        }
    }

    /// <summary>
    /// Adds the gradients of <paramref name="loss"/> to the parameters' and, unless <see cref="NoSync"/> is in force, replaces each
    /// gradient by its mean over the ranks, bucket by bucket while backward goes on.
    /// </summary>
    /// <param name="loss">A scalar: the loss of this rank's part of the batch, a mean over its own samples. With equal parts the gradients are those of the whole batch's mean.</param>
    /// <exception cref="InvalidOperationException">Parameters were not used, or were changed since the module was wrapped; the message names them.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or did something else.</exception>
    public void Backward(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        AfterForward();
        _guard.RequireUnchanged();
        _hasStarted = true;
        if (_withoutSync == 0 && _join is not null)
        {
            ScaleMean(_join, _join.Announce(_backwardAct));
        }

        Reducer.Backward(loss, synchronize: _withoutSync == 0);
        LastTimings = Reducer.LastTimings with { ForwardSeconds = _forwardSeconds };
        _forwardSeconds = 0;
        if (_withoutSync == 0)
        {
            RebuildOnce();
        }
    }

    /// <summary>
    /// Until the result is disposed, <see cref="Backward"/> only adds up this rank's gradients; the first one afterwards averages
    /// the sums. For accumulating over several steps.
    /// </summary>
    public IDisposable NoSync() => new NoSyncScope(this);

    /// <summary>Fills the gradients with zeros in place, ready for the next update.</summary>
    /// <param name="setToNone">Of effect only where parameters may be unused; see <see cref="Reducer.ZeroGradients"/>. Default: true.</param>
    /// <exception cref="InvalidOperationException">A parameter was disposed, replaced or converted since the module was wrapped.</exception>
    public void ZeroGrad(bool setToNone = true)
    {
        _guard.RequireWhole();
        Reducer.ZeroGradients(setToNone);
    }

    /// <summary>Replaces how gradients are averaged (PyTorch's <c>register_comm_hook</c>): once, before the first backward pass, on all ranks alike.</summary>
    /// <param name="hook">The hook. It stays the caller's to dispose, after this.</param>
    /// <exception cref="InvalidOperationException">There is a hook already, or a backward pass has run.</exception>
    public void RegisterCommunicationHook(ICommunicationHook hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        if (_hasHook)
        {
            throw new InvalidOperationException($"a communication hook is already registered ({Reducer.CommunicationHook.GetType().Name}). Register only one.");
        }

        if (_hasStarted)
        {
            throw new InvalidOperationException($"a backward pass has run, so {hook.GetType().Name} comes too late. Register the communication hook right after wrapping the module.");
        }

        Reducer.CommunicationHook = hook;
        _hasHook = true;
    }

    /// <summary>
    /// Runs this rank's steps, then takes part in those of the ranks that have more inputs, with gradients of zero, until no rank has any
    /// (PyTorch's <c>join</c>): see <see cref="UnevenInputs.Join.Run"/>, which also takes optimizers. With sums over the ranks that have inputs, the gradients are those sums divided by the number of
    /// all ranks, or of those (<see cref="JoinOptions.DivideByInitialWorldSize"/>). At the end the ranks that ran out first get parameters and
    /// buffers of one that did not.
    /// </summary>
    /// <param name="body">Goes through this rank's inputs.</param>
    /// <param name="options">What differs from the defaults; the same on all ranks.</param>
    /// <exception cref="InvalidOperationException">The module has a <see cref="SyncBatchNorm"/>, or ranks ran out of inputs although the options forbid it.</exception>
    /// <exception cref="DistributedException">A rank failed.</exception>
    public void Join(Action body, JoinOptions? options = null) => UnevenInputs.Join.Run([this], body, options);

    /// <summary>Lets go of the buckets and hooks; the module keeps its parameters and gradients.</summary>
    public void Dispose()
    {
        if (!IsDisposed)
        {
            IsDisposed = true;
            _order.Dispose();
            _buffers?.Dispose();
            Reducer.Dispose();
        }
    }

    /// <inheritdoc/>
    void IJoinable.EnterJoin(JoinContext context)
    {
        ArgumentNullException.ThrowIfNull(context);

        // Its layers communicate in the middle of forward and backward, where a rank without inputs is not.
        if (!context.Options.ThrowOnEarlyTermination && Module.named_modules().Select(named => named.module).Prepend(Module).OfType<SyncBatchNorm>().Any())
        {
            throw new InvalidOperationException("the model has SyncBatchNorm, which needs a batch on every rank in every step. Set ThrowOnEarlyTermination, or give all ranks the same number of batches.");
        }

        _join = context;
        _forwardAct = context.Register("forward pass", round => _buffers!.Run(round.Root));
        _backwardAct = context.Register("backward pass", ShadowBackward);
    }

    /// <inheritdoc/>
    void IJoinable.LeaveJoin()
    {
        _join = null;
        Reducer.MeanScale = 1;
    }

    /// <inheritdoc/>
    void IJoinable.TakeOver(int root) => ModelAgreement.BroadcastState(Module, _group, root);

    /// <summary>Asks before the module is converted or moved, which would give it other parameters than the buckets and the optimizer know.</summary>
    /// <param name="type">The type to convert to; null: it stays.</param>
    /// <param name="device">Where to move.</param>
    /// <exception cref="InvalidOperationException">A parameter or buffer would become another tensor. Nothing was changed.</exception>
    internal void RequireNothingToConvert(ScalarType? type, DeviceType device) => _guard.RequireNothingToConvert(type, device);

    /// <summary>Loads the module's state; names may have the prefix <c>module.</c> that PyTorch's wrapper gives them.</summary>
    internal (IList<string> MissingKeys, IList<string> UnexpectedKeys) LoadStateDict(Dictionary<string, Tensor> source, bool strict, IList<string>? skip)
    {
        ArgumentNullException.ThrowIfNull(source);
        const string Prefix = "module.";
        bool isPrefixed = source.Count > 0 && source.Keys.All(name => name.StartsWith(Prefix, StringComparison.Ordinal)) && !Module.state_dict().Keys.All(name => name.StartsWith(Prefix, StringComparison.Ordinal));
        return Module.load_state_dict(isPrefixed ? source.ToDictionary(entry => entry.Key[Prefix.Length..], entry => entry.Value) : source, strict, skip);
    }

    private void ShadowBackward(JoinRound round)
    {
        ScaleMean(_join!, round);
        Reducer.ReduceZeros();
        RebuildOnce();
        _join!.Options.AfterShadowedBackward?.Invoke();
    }

    // The reducer takes the mean over all ranks, those that count as zeros included.
    private void ScaleMean(JoinContext join, JoinRound round) =>
        Reducer.MeanScale = join.Options.DivideByInitialWorldSize ? 1 : (double)_group.Size / round.ActiveRanks.Count;

    // Synchronized passes are the same on all ranks, so all come here together after their first.
    private void RebuildOnce()
    {
        if (!_hasOrder)
        {
            _hasOrder = true;
            long start = Stopwatch.GetTimestamp();
            Reducer.Rebuild(_order.ArrivalOrder());
            _order.Dispose();
            LastTimings = LastTimings with { CommunicationSeconds = LastTimings.CommunicationSeconds + Stopwatch.GetElapsedTime(start).TotalSeconds };
        }
    }

    private sealed class NoSyncScope : IDisposable
    {
        private DistributedDataParallel? _owner;

        public NoSyncScope(DistributedDataParallel owner)
        {
            _owner = owner;
            owner._withoutSync++;
        }

        public void Dispose()
        {
            if (_owner is not null)
            {
                _owner._withoutSync--;
                _owner = null;
            }
        }
    }
}

/// <summary>The options of <see cref="DistributedDataParallel{T, TResult}"/>, named as in PyTorch's constructor. All ranks give the same.</summary>
public sealed record DistributedDataParallelOptions : ReducerOptions
{
    /// <summary>
    /// Whether each forward pass in training mode that a synchronized backward may follow begins by giving all ranks the buffers of
    /// rank 0, in one message. Buffers of <see cref="SyncBatchNorm"/> are left out, as they are equal already. Default: true.
    /// </summary>
    public bool BroadcastBuffers { get; init; } = true;

    /// <summary>
    /// Whether the constructor verifies that the ranks' models are alike and gives all ranks the values of rank 0. Without it they
    /// must be equal already. Default: true.
    /// </summary>
    public bool InitSync { get; init; } = true;
}
