using System.Diagnostics;
using Convoy.Distributed.Nn.GradientReduction;
using Convoy.Distributed.UnevenInputs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// Data-parallel training of a module, as PyTorch's <c>DistributedDataParallel</c>: every rank has a replica and its own part of
/// each batch, and <see cref="Backward"/> leaves the mean of all ranks' gradients on every rank. With one process it is the
/// module itself.
/// </summary>
/// <typeparam name="T">The module's input.</typeparam>
/// <typeparam name="TResult">The module's output.</typeparam>
/// <remarks>
/// The gradients live in buckets, so zero them with <see cref="ZeroGrad"/> or any <c>zero_grad</c>. Names of parameters, buffers
/// and state are the module's own, without a prefix. A model's outputs for a batch depend on batch norm's statistics, which are
/// those of each rank's own part unless <see cref="SyncBatchNorm"/> replaces it.
/// </remarks>
public sealed partial class DistributedDataParallel<T, TResult> : nn.Module<T, TResult>, IJoinable
{
    private readonly ProcessGroup _group;
    private readonly ParameterGuard _guard;
    private readonly ModuleOrder _order;
    private readonly BufferBroadcast? _buffers;
    private double _forwardSeconds;
    private int _withoutSync;
    private bool _hasOrder;
    private bool _isDisposed;

    /// <summary>
    /// Wraps <paramref name="module"/>: verifies that it has the same parameters on all ranks, gives all ranks the values of
    /// rank 0, and moves the gradients into buckets. All ranks call it together.
    /// </summary>
    /// <param name="module">The module, on the CPU. It stays the caller's to dispose.</param>
    /// <param name="group">The ranks. It stays the caller's to dispose, after this.</param>
    /// <param name="options">What differs from the defaults; the same on all ranks.</param>
    /// <exception cref="ArgumentException">No parameter requires gradients, or one that does is not a dense floating-point tensor on the CPU.</exception>
    /// <exception cref="Errors.ParameterMismatchException">The ranks' modules differ; it names the rank and the first difference.</exception>
    /// <exception cref="Errors.DistributedException">A rank failed, or there is not enough shared memory.</exception>
    public DistributedDataParallel(nn.Module<T, TResult> module, ProcessGroup group, DistributedDataParallelOptions? options = null)
        : base(nameof(DistributedDataParallel<T, TResult>))
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

    /// <summary>The wrapped module.</summary>
    public nn.Module<T, TResult> Module { get; }

    /// <summary>What averages the gradients: its buckets, its group, its communication hook.</summary>
    public Reducer Reducer { get; }

    /// <summary>Where the time of the last step went.</summary>
    public ReducerTimings LastTimings { get; private set; }

    /// <summary>Whether the wrapped module is in training mode.</summary>
    public override bool training => Module.training;

    /// <inheritdoc/>
    public override TResult forward(T input)
    {
        long start = Stopwatch.GetTimestamp();
        if (Module.training && is_grad_enabled())
        {
            _guard.RequireWhole();
        }

        if (_buffers is not null && _withoutSync == 0 && Module.training && is_grad_enabled())
        {
            _buffers.Run(_join?.Announce(_bufferAct).Root ?? 0);
        }

        TResult result = Module.call(input);
        _forwardSeconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
        return result;
    }

    /// <summary>
    /// Adds the gradients of <paramref name="loss"/> to the parameters' and, unless <see cref="NoSync"/> is in force, replaces each
    /// gradient by its mean over the ranks, bucket by bucket while backward goes on.
    /// </summary>
    /// <param name="loss">A scalar: the loss of this rank's part of the batch, a mean over its own images. With equal parts the gradients are those of the whole batch's mean.</param>
    /// <exception cref="InvalidOperationException">Parameters were not used, or were changed since the module was wrapped; the message names them.</exception>
    /// <exception cref="Errors.DistributedException">A rank ended, did not come in time, or did something else.</exception>
    public void Backward(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        _guard.RequireUnchanged();
        _hasStarted = true;
        if (_withoutSync == 0)
        {
            AnnounceBackward();
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
    /// <exception cref="InvalidOperationException">A parameter was disposed, replaced or converted since the module was wrapped.</exception>
    public void ZeroGrad() => zero_grad(set_to_none: true);

    /// <summary>The same as <see cref="ZeroGrad"/>: the gradients stay where they are.</summary>
    /// <param name="set_to_none">Of effect only where parameters may be unused; see <see cref="Reducer.ZeroGradients"/>.</param>
    public override void zero_grad(bool set_to_none = true)
    {
        _guard.RequireWhole();
        Reducer.ZeroGradients(set_to_none);
    }

    /// <inheritdoc/>
    public override void train(bool train = true) => Module.train(train);

    /// <inheritdoc/>
    public override void eval() => Module.eval();

    /// <inheritdoc/>
    public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true) => _isDisposed ? [] : Module.named_parameters(recurse);

    /// <inheritdoc/>
    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true) => _isDisposed ? [] : Module.named_buffers(recurse, include_nonpersistent);

    /// <inheritdoc/>
    public override IEnumerable<(string name, nn.Module module)> named_children() => _isDisposed ? [] : Module.named_children();

    /// <inheritdoc/>
    public override IEnumerable<(string name, nn.Module module)> named_modules() => _isDisposed ? [] : Module.named_modules();

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) => Module.state_dict(destination, prefix);

    /// <summary>Loads the state of the module; names may have the prefix <c>module.</c> that PyTorch's wrapper gives them.</summary>
    public override (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        const string Prefix = "module.";
        bool isPrefixed = source.Count > 0 && source.Keys.All(name => name.StartsWith(Prefix, StringComparison.Ordinal)) && !Module.state_dict().Keys.All(name => name.StartsWith(Prefix, StringComparison.Ordinal));
        return Module.load_state_dict(isPrefixed ? source.ToDictionary(entry => entry.Key[Prefix.Length..], entry => entry.Value) : source, strict, skip);
    }

    // A module is converted and moved by giving it other parameters, which the buckets and the optimizer would not know of.

    /// <inheritdoc/>
    protected override nn.Module _to(ScalarType dtype, bool non_blocking) => KeepAs(dtype, DeviceType.CPU);

    /// <inheritdoc/>
    protected override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => KeepAs(null, deviceType);

    /// <inheritdoc/>
    protected override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => KeepAs(dtype, device.type);

    /// <summary>Lets go of the buckets and hooks; the module keeps its parameters and gradients.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _order.Dispose();
            _buffers?.Dispose();
            Reducer.Dispose();
        }

        // The base class disposes of all that a module says it has, which is not the wrapper's.
        _isDisposed = true;

        base.Dispose(disposing);
    }

    private DistributedDataParallel<T, TResult> KeepAs(ScalarType? dtype, DeviceType device)
    {
        _guard.RequireNothingToConvert(dtype, device);
        return this;
    }

    // Synchronised passes are the same on all ranks, so all come here together after their first.
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
        private DistributedDataParallel<T, TResult>? _owner;

        public NoSyncScope(DistributedDataParallel<T, TResult> owner)
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
