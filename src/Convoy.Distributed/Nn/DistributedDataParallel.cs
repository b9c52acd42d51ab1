using System.Diagnostics;
using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.UnevenInputs;
using Convoy.Torch.Autograd;
using Convoy.Torch.Interop;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Data-parallel training of a module with any inputs and outputs: every rank has a replica and its own part of each batch, and
/// <c>loss.backward()</c> leaves the mean of all ranks' gradients on every rank. Whoever calls the module calls
/// <see cref="BeforeForward"/> first. <see cref="DistributedDataParallel{T, TResult}"/>, <see cref="DistributedDataParallel{T1, T2, TResult}"/> and
/// <see cref="DistributedDataParallel{T1, T2, T3, TResult}"/> wrap it as modules, which do that themselves.
/// </summary>
/// <remarks>
/// <para>
/// Any backward pass that adds to the parameters' gradients counts, as in PyTorch: over several forward passes, of a loss that uses parameters and not the output, of a second loss. A mean of
/// equal parts is itself, so averaging again what was averaged changes nothing, and sums of gradients may be averaged whenever it suits. <c>torch.autograd.grad</c> communicates nothing;
/// <c>create_graph</c> and <c>inputs</c> of <c>backward</c> are refused. An error comes out of <c>loss.backward()</c> as libtorch's errors do, as an
/// <see cref="System.Runtime.InteropServices.ExternalException"/> with the message; <see cref="Backward"/> throws it as it is.
/// </para>
/// <para>
/// Where <see cref="AveragesInBackward"/> is false, only <see cref="Backward"/> averages, and a program that has updated its weights without it gets an error at the next
/// forward pass, at <c>state_dict</c> and at <see cref="Dispose"/>.
/// </para>
/// <para>
/// The gradients live in buckets, so zero them with <see cref="ZeroGrad"/> or any <c>zero_grad</c>. A model's outputs for a batch
/// depend on batch norm's statistics, which are those of each rank's own part unless <see cref="SyncBatchNorm"/> replaces it.
/// </para>
/// </remarks>
public sealed class DistributedDataParallel : IJoinable, IDisposable
{
    private readonly ProcessGroup _group;
    private readonly ParameterGuard _guard;
    private readonly ModuleOrder _order;
    private readonly BufferBroadcast? _buffers;
    private readonly BackwardHooks? _hooks;
    private readonly BackwardReminder? _reminder;
    private readonly BackwardSynchronization _synchronization = new();
    private long _forwardStart;
    private double _forwardSeconds;
    private bool _hasOrder;
    private JoinContext? _join;
    private int _forwardAct;
    private int _backwardAct;
    private bool _hasHook;
    private bool _hasStarted;
    private bool _synchronizes;

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
        IEnumerable<Parameter> trained = _guard.Trained.Select(p => p.Parameter);
        if (options.AverageInBackward && AutogradEngine.IsSupported)
        {
            _hooks = new BackwardHooks(trained, Reducer, BeginPass, () =>
            {
                Reducer.End();
                EndPass();
            });
        }
        else
        {
            _reminder = new BackwardReminder(trained, options.AverageInBackward ? AutogradEngine.Fault! : $"{nameof(options.AverageInBackward)} is off");
        }
    }

    /// <summary>The module.</summary>
    public nn.Module Module { get; }

    /// <summary>
    /// The module's parameters as an optimizer should get them, each once: TorchSharp lists a weight that two layers share for each of them, and its optimizers would update it twice. In order of
    /// registration, under the first of its names; empty after <see cref="Dispose"/>.
    /// </summary>
    public IReadOnlyList<Parameter> Parameters => [.. NamedParameters(recurse: true).Select(named => named.parameter)];

    /// <summary>What averages the gradients: its buckets, its group, its communication hook.</summary>
    public Reducer Reducer { get; }

    /// <summary>
    /// Whether plain <c>loss.backward()</c> averages the gradients: on Linux x64 with the TorchSharp that this library was built for (0.107), unless
    /// <see cref="DistributedDataParallelOptions.AverageInBackward"/> is off. <see cref="Backward"/> does everywhere.
    /// </summary>
    public bool AveragesInBackward => _hooks is not null;

    /// <summary>
    /// Where the time of the last step went. A plain <c>loss.backward()</c> is seen when it reaches the model's output; what it does before, for the loss itself, is not counted.
    /// </summary>
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
    /// <see cref="AfterForward()"/>, or to <see cref="Backward"/> if that is not called.
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
            RequireAveraged();
            Reducer.RequireUnbroken();
        }

        if (is_grad_enabled())
        {
            _synchronization.ForwardBegins();
            if (_synchronization.IsOn)
            {
                _reminder?.ForwardBegins();
            }
        }

        if (_buffers is not null && _synchronization.IsOn && trains)
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
    /// Runs <c>loss.backward()</c>, which adds the gradients of <paramref name="loss"/> to the parameters', and, unless <see cref="NoSync"/> was in force in the forward pass, replaces each
    /// gradient by its mean over the ranks, bucket by bucket while backward goes on. The same as calling <c>loss.backward()</c>, to the bit, but errors have their types, it works
    /// where <see cref="AveragesInBackward"/> is false, and <see cref="LastTimings"/> count from the call.
    /// </summary>
    /// <param name="loss">A scalar: the loss of this rank's part of the batch, a mean over its own samples. With equal parts the gradients are those of the whole batch's mean.</param>
    /// <exception cref="InvalidOperationException">Parameters were not used, or were changed since the module was wrapped; the message names them.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or did something else.</exception>
    public void Backward(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        _hooks?.RequireNone();
        PreparePass();
        Reducer.Backward(loss, _synchronizes);
        EndPass();
    }

    /// <summary>
    /// Backward passes of forward passes that begin before the result is disposed only add up this rank's gradients; the next one of a forward pass outside averages the sums. For accumulating
    /// over several steps. As in PyTorch, what counts is where forward runs.
    /// </summary>
    public IDisposable NoSync() => _synchronization.Suspend();

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

    /// <summary>Releases the buckets and hooks; the module keeps its parameters and gradients.</summary>
    /// <exception cref="InvalidOperationException">The weights were last updated with gradients that were not averaged. Everything is released all the same.</exception>
    public void Dispose()
    {
        if (!IsDisposed)
        {
            IsDisposed = true;
            _hooks?.Dispose();
            _order.Dispose();
            _buffers?.Dispose();
            Reducer.Dispose();
            _hooks?.RequireNone();
            _reminder?.RequireAtEnd();
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

    /// <summary>Ends the time of the forward pass, whose result backward passes are to be known by.</summary>
    internal void AfterForward(object? output)
    {
        AfterForward();
        if (is_grad_enabled())
        {
            _hooks?.Watch(output);
        }
    }

    /// <exception cref="InvalidOperationException">A backward pass has left gradients that were not averaged.</exception>
    internal void RequireAveraged()
    {
        _hooks?.RequireNone();
        _reminder?.Require();
    }

    /// <summary>Asks before the module is converted or moved, which would give it other parameters than the buckets and the optimizer know.</summary>
    /// <param name="type">The type to convert to; null: it stays.</param>
    /// <param name="device">Where to move.</param>
    /// <exception cref="InvalidOperationException">A parameter or buffer would become another tensor. Nothing was changed.</exception>
    internal void RequireNothingToConvert(ScalarType? type, DeviceType device) => _guard.RequireNothingToConvert(type, device);

    /// <summary>The module's parameters, each once, under the first of its names (PyTorch's <c>remove_duplicate</c>).</summary>
    internal IEnumerable<(string name, Parameter parameter)> NamedParameters(bool recurse) => IsDisposed
        ? []
        : Module.named_parameters(recurse).DistinctBy(named => named.parameter.IsInvalid ? (object)named.parameter : AutogradVersion.Identity(named.parameter));

    /// <summary>The module's state, which is whole only when the ranks agree.</summary>
    internal Dictionary<string, Tensor> StateDict(Dictionary<string, Tensor>? destination, string? prefix)
    {
        RequireAveraged();
        return Module.state_dict(destination, prefix);
    }

    /// <summary>Loads the module's state; names may have the prefix <c>module.</c> that PyTorch's wrapper gives them.</summary>
    internal (IList<string> MissingKeys, IList<string> UnexpectedKeys) LoadStateDict(Dictionary<string, Tensor> source, bool strict, IList<string>? skip)
    {
        ArgumentNullException.ThrowIfNull(source);
        const string Prefix = "module.";
        bool isPrefixed = source.Count > 0 && source.Keys.All(name => name.StartsWith(Prefix, StringComparison.Ordinal)) && !Module.state_dict().Keys.All(name => name.StartsWith(Prefix, StringComparison.Ordinal));
        (IList<string> MissingKeys, IList<string> UnexpectedKeys) loaded =
            Module.load_state_dict(isPrefixed ? source.ToDictionary(entry => entry.Key[Prefix.Length..], entry => entry.Value) : source, strict, skip);
        if (loaded.MissingKeys.Count == 0 && skip is not { Count: > 0 })
        {
            _reminder?.WeightsReplaced();
        }

        return loaded;
    }

    private void BeginPass(long start)
    {
        PreparePass();
        Reducer.Begin(_synchronizes, start);
    }

    private void PreparePass()
    {
        AfterForward();
        _guard.RequireUnchanged();
        _hasStarted = true;
        _synchronizes = _synchronization.IsDue;
        if (_synchronizes && _join is not null)
        {
            ScaleMean(_join, _join.Announce(_backwardAct));
        }
    }

    private void EndPass()
    {
        LastTimings = Reducer.LastTimings with { ForwardSeconds = _forwardSeconds };
        _forwardSeconds = 0;
        _reminder?.BackwardRan();
        if (_synchronizes)
        {
            _synchronization.Averaged();
            RebuildOnce();
        }
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
}
