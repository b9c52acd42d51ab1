using Convoy.Distributed.GradientReduction;
using Convoy.Distributed.UnevenInputs;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Nn;

/// <summary>
/// A module of two inputs wrapped for data-parallel training; see <see cref="DistributedDataParallel{T, TResult}"/>.
/// </summary>
/// <typeparam name="T1">The module's first input.</typeparam>
/// <typeparam name="T2">The module's second input.</typeparam>
/// <typeparam name="TResult">The module's output: a tensor, or anything else, such as tuples, lists and dictionaries of tensors.</typeparam>
/// <remarks>
/// Names of parameters, buffers and state are the module's own, without a prefix; a weight that two layers share is listed once. All else is said at <see cref="DistributedDataParallel"/>.
/// </remarks>
public sealed class DistributedDataParallel<T1, T2, TResult> : nn.Module<T1, T2, TResult>, IWrapper
{
    private readonly DistributedDataParallel _core;

    /// <summary>Wraps <paramref name="module"/>; see <see cref="DistributedDataParallel(nn.Module, ProcessGroup, DistributedDataParallelOptions?)"/>.</summary>
    /// <param name="module">The module, on the CPU. It stays the caller's to dispose.</param>
    /// <param name="group">The ranks. It stays the caller's to dispose, after this.</param>
    /// <param name="options">What differs from the defaults; the same on all ranks.</param>
    /// <exception cref="ArgumentException">No parameter requires gradients, or one that does is not a dense floating-point tensor on the CPU.</exception>
    /// <exception cref="ParameterMismatchException">The ranks' modules differ; it names the rank and the first difference.</exception>
    /// <exception cref="DistributedException">A rank failed, or there is not enough shared memory.</exception>
    public DistributedDataParallel(nn.Module<T1, T2, TResult> module, ProcessGroup group, DistributedDataParallelOptions? options = null)
        : base(nameof(DistributedDataParallel))
    {
        _core = new DistributedDataParallel(module, group, options);
        Module = module;
    }

    /// <summary>The wrapped module.</summary>
    public nn.Module<T1, T2, TResult> Module { get; }

    /// <inheritdoc cref="DistributedDataParallel.Reducer"/>
    public Reducer Reducer => _core.Reducer;

    /// <inheritdoc cref="DistributedDataParallel.AveragesInBackward"/>
    public bool AveragesInBackward => _core.AveragesInBackward;

    /// <inheritdoc cref="DistributedDataParallel.LastTimings"/>
    public ReducerTimings LastTimings => _core.LastTimings;

    /// <inheritdoc cref="DistributedDataParallel.LastBuckets"/>
    public IReadOnlyList<BucketTiming> LastBuckets => _core.LastBuckets;

    /// <summary>Whether the wrapped module is in training mode.</summary>
    public override bool training => Module.training;

    /// <inheritdoc/>
    DistributedDataParallel IWrapper.Core => _core;

    /// <inheritdoc/>
    public override TResult forward(T1 input1, T2 input2)
    {
        _core.BeforeForward();
        TResult result = Module.call(input1, input2);
        _core.AfterForward(result);
        return result;
    }

    /// <inheritdoc cref="DistributedDataParallel.Backward"/>
    public void Backward(Tensor loss) => _core.Backward(loss);

    /// <inheritdoc cref="DistributedDataParallel.NoSync"/>
    public IDisposable NoSync() => _core.NoSync();

    /// <inheritdoc cref="DistributedDataParallel.ZeroGrad"/>
    public void ZeroGrad() => _core.ZeroGrad();

    /// <summary>The same as <see cref="ZeroGrad"/>: the gradients stay where they are.</summary>
    /// <param name="set_to_none">Of effect only where parameters may be unused; see <see cref="Reducer.ZeroGradients"/>.</param>
    public override void zero_grad(bool set_to_none = true) => _core.ZeroGrad(set_to_none);

    /// <inheritdoc cref="DistributedDataParallel.RegisterCommunicationHook"/>
    public void RegisterCommunicationHook(ICommunicationHook hook) => _core.RegisterCommunicationHook(hook);

    /// <inheritdoc cref="DistributedDataParallel.Join"/>
    public void Join(Action body, JoinOptions? options = null) => _core.Join(body, options);

    /// <inheritdoc/>
    public override void train(bool train = true) => Module.train(train);

    /// <inheritdoc/>
    public override void eval() => Module.eval();

    /// <inheritdoc/>
    public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true) => _core.NamedParameters(recurse);

    /// <inheritdoc/>
    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true) => _core.IsDisposed ? [] : Module.named_buffers(recurse, include_nonpersistent);

    /// <inheritdoc/>
    public override IEnumerable<(string name, nn.Module module)> named_children() => _core.IsDisposed ? [] : Module.named_children();

    /// <inheritdoc/>
    public override IEnumerable<(string name, nn.Module module)> named_modules() => _core.IsDisposed ? [] : Module.named_modules();

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) => _core.StateDict(destination, prefix);

    /// <summary>Loads the state of the module; names may have the prefix <c>module.</c> that PyTorch's wrapper gives them.</summary>
    public override (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null) =>
        _core.LoadStateDict(source, strict, skip);

    // A module is converted and moved by giving it other parameters, which the buckets and the optimizer would not know of.

    /// <inheritdoc/>
    protected override nn.Module _to(ScalarType dtype, bool non_blocking) => KeepAs(dtype, DeviceType.CPU);

    /// <inheritdoc/>
    protected override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => KeepAs(null, deviceType);

    /// <inheritdoc/>
    protected override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => KeepAs(dtype, device.type);

    /// <summary>Releases the buckets and hooks; the module keeps its parameters and gradients.</summary>
    protected override void Dispose(bool disposing)
    {
        try
        {
            // First, as the base class disposes of all that a module says it has, which is not the wrapper's.
            if (disposing)
            {
                _core.Dispose();
            }
        }
        finally
        {
            base.Dispose(disposing);
        }
    }

    private DistributedDataParallel<T1, T2, TResult> KeepAs(ScalarType? dtype, DeviceType device)
    {
        _core.RequireNothingToConvert(dtype, device);
        return this;
    }
}
