using System.Diagnostics;
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
/// and state are the module's own, without a prefix. Buffers are copied from rank 0 once, at the start: batch norm needs
/// <see cref="SyncBatchNorm"/> to keep its statistics equal on all ranks.
/// </remarks>
public sealed class DistributedDataParallel<T, TResult> : nn.Module<T, TResult>
{
    private readonly ProcessGroup _group;
    private readonly Reducer _reducer;
    private int _withoutSync;

    /// <summary>
    /// Wraps <paramref name="module"/>: verifies that it has the same parameters on all ranks, gives all ranks the values of
    /// rank 0, and moves the gradients into buckets. All ranks call it together.
    /// </summary>
    /// <param name="module">The module, on the CPU. It stays the caller's to dispose.</param>
    /// <param name="group">The ranks. It stays the caller's to dispose.</param>
    /// <param name="bucketCapMb">How large a bucket of gradients gets, in units of 2^20 bytes. Default: 25.</param>
    /// <param name="firstBucketCapMb">The same for the first bucket. Default: 1.</param>
    /// <exception cref="Errors.ParameterMismatchException">The ranks' modules differ; it names the rank and the first difference.</exception>
    /// <exception cref="Errors.DistributedException">A rank failed, or there is not enough shared memory.</exception>
    public DistributedDataParallel(
        nn.Module<T, TResult> module,
        ProcessGroup group,
        double bucketCapMb = BucketAssignment.DefaultBucketCapMb,
        double firstBucketCapMb = BucketAssignment.DefaultFirstBucketCapMb)
        : base(nameof(DistributedDataParallel<T, TResult>))
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(group);
        Module = module;
        _group = group;
        ModelAgreement.Verify(module, group);
        ModelAgreement.BroadcastState(module, group);
        _reducer = new Reducer([.. module.parameters().Where(parameter => parameter.requires_grad)], group, bucketCapMb, firstBucketCapMb);
    }

    /// <summary>The wrapped module.</summary>
    public nn.Module<T, TResult> Module { get; }

    /// <summary>Where the time of the last <see cref="Backward"/> went.</summary>
    public ReducerTimings LastTimings { get; private set; }

    /// <summary>Whether the wrapped module is in training mode.</summary>
    public override bool training => Module.training;

    /// <inheritdoc/>
    public override TResult forward(T input) => Module.call(input);

    /// <summary>
    /// Adds the gradients of <paramref name="loss"/> to the parameters' and then, unless <see cref="NoSync"/> is in force,
    /// replaces each gradient by its mean over the ranks.
    /// </summary>
    /// <param name="loss">A scalar: the loss of this rank's part of the batch, a mean over its own images. With equal parts the gradients are those of the whole batch's mean.</param>
    /// <exception cref="Errors.DistributedException">A rank ended, did not come in time, or did something else.</exception>
    public void Backward(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        long start = Stopwatch.GetTimestamp();
        loss.backward();
        double backwardSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        _group.RequireIntact();
        (double communicationSeconds, double waitSeconds) = _withoutSync > 0 ? (0, 0) : _reducer.Reduce();
        LastTimings = new ReducerTimings(backwardSeconds, communicationSeconds, waitSeconds);
    }

    /// <summary>
    /// Until the result is disposed, <see cref="Backward"/> only adds up this rank's gradients; the first one afterwards averages
    /// the sums. For accumulating over several steps.
    /// </summary>
    public IDisposable NoSync() => new NoSyncScope(this);

    /// <summary>Fills the gradients with zeros in place, ready for the next update.</summary>
    public void ZeroGrad() => _reducer.ZeroGradients();

    /// <summary>The same as <see cref="ZeroGrad"/>: the gradients are views into buckets and are never set to none.</summary>
    /// <param name="set_to_none">Without effect.</param>
    public override void zero_grad(bool set_to_none = true) => ZeroGrad();

    /// <inheritdoc/>
    public override void train(bool train = true) => Module.train(train);

    /// <inheritdoc/>
    public override void eval() => Module.eval();

    /// <inheritdoc/>
    public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true) => Module.named_parameters(recurse);

    /// <inheritdoc/>
    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true) => Module.named_buffers(recurse, include_nonpersistent);

    /// <inheritdoc/>
    public override IEnumerable<(string name, nn.Module module)> named_children() => Module.named_children();

    /// <inheritdoc/>
    public override IEnumerable<(string name, nn.Module module)> named_modules() => Module.named_modules();

    /// <inheritdoc/>
    public override Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null) => Module.state_dict(destination, prefix);

    /// <inheritdoc/>
    public override (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null) =>
        Module.load_state_dict(source, strict, skip);

    /// <summary>Lets go of the buckets; the module keeps its parameters and gradients.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _reducer.Dispose();
        }

        base.Dispose(disposing);
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
