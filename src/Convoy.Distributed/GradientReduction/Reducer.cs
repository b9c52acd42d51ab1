using System.Diagnostics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.GradientReduction;

/// <summary>
/// Keeps the gradients of a model in buckets and averages them over the ranks while backward goes on. It knows parameters and a
/// process group, nothing of the module that they belong to. All ranks do the same with it, in the same order.
/// </summary>
public sealed class Reducer : IDisposable
{
    private readonly ProcessGroup _users;
    private readonly ReducerOptions _options;
    private readonly ParameterGradient[] _gradients;
    private readonly ReducerTimer _timer = new();
    private readonly IDisposable _observation;
    private readonly BucketQueue _queue;
    private readonly ParameterUsage _usage;
    private GradientBucket[] _buckets;
    private ICommunicationHook _hook = new AllReduceHook();
    private bool _isBroken;
    private Exception? _failure;
    private bool _synchronizes;
    private long _start;

    /// <summary>Moves the parameters' gradients into buckets; all ranks call it together.</summary>
    /// <param name="parameters">Parameters that require gradients, each once, with their names, in order of registration, the same on all ranks.</param>
    /// <param name="group">The ranks. It stays the caller's; the reducer makes itself a group of its own from it, so that its operations and the caller's need no common order.</param>
    /// <param name="options">How to reduce; null: the defaults.</param>
    /// <exception cref="ArgumentException">A parameter is not a dense floating-point tensor on the CPU.</exception>
    /// <exception cref="DistributedException">A rank failed, or there is not enough memory.</exception>
    public Reducer(IReadOnlyList<(string Name, Parameter Parameter)> parameters, ProcessGroup group, ReducerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(group);
        foreach ((string name, Parameter parameter) in parameters)
        {
            RequireReducible(name, parameter);
        }

        _users = group;
        _options = options ?? new ReducerOptions();
        _gradients = [.. parameters.Select(p => new ParameterGradient(p.Name, p.Parameter))];
        Group = group.NewGroup([.. Enumerable.Range(0, group.Size)])!;
        _observation = Group.Observe(_timer);
        _usage = new ParameterUsage(_gradients, Group, _options);
        _queue = new BucketQueue($"convoy reducer {Group.Name}", ReduceBucket);
        _buckets = MakeBuckets(null);
    }

    /// <summary>The group of all ranks that only the reducer uses. Disposed with the reducer.</summary>
    public ProcessGroup Group { get; }

    /// <summary>The buckets in the order in which they are reduced. They change once, with <see cref="Rebuild"/>.</summary>
    public IReadOnlyList<GradientBucket> Buckets => _buckets;

    /// <summary>Where the time of the last <see cref="Backward"/> went.</summary>
    public ReducerTimings LastTimings { get; private set; }

    /// <summary>
    /// The buckets of the last <see cref="Backward"/>, in the order in which they are reduced: how large they are, when each was
    /// ready, and when it was exchanged. Empty before.
    /// </summary>
    public IReadOnlyList<BucketTiming> LastBuckets { get; private set; } = [];

    /// <summary>How the gradients are averaged. The same kind on all ranks, set between backward passes.</summary>
    public ICommunicationHook CommunicationHook
    {
        get => _hook;
        set => _hook = value ?? throw new ArgumentNullException(nameof(value));
    }

    /// <summary>What each mean is multiplied by, on all ranks alike: more than 1 compensates for ranks that only shadow the others. Default: 1.</summary>
    internal double MeanScale { get; set; } = 1;

    /// <summary>Whether a backward pass has begun and not ended.</summary>
    internal bool IsRunning { get; private set; }

    /// <summary>Whether the pass that runs has completed all gradients, as far as that can be known before it ends.</summary>
    internal bool HasAllGradients => _usage.AllowsOverlap && _buckets.All(bucket => bucket.HasArrived());

    /// <summary>Fills all gradients with zeros, in place.</summary>
    /// <param name="setToNone">With <see cref="ReducerOptions.FindUnusedParameters"/> or <see cref="ReducerOptions.StaticGraph"/>: whether the gradient of a parameter that no rank uses in the next pass becomes none, so that optimizers leave the parameter alone.</param>
    public void ZeroGradients(bool setToNone = true)
    {
        using var noGradient = no_grad();
        foreach (ParameterGradient gradient in _gradients)
        {
            gradient.Zero(setToNone && _usage.AllowsUnused);
        }
    }

    /// <summary>Adds the gradients of <paramref name="loss"/> to the parameters' and replaces each by its mean over the ranks.</summary>
    /// <param name="loss">A scalar.</param>
    /// <param name="synchronize">False: only adds up this rank's gradients.</param>
    /// <exception cref="InvalidOperationException">Parameters were not used, or used otherwise than the options allow; the message names them.</exception>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    public void Backward(Tensor loss, bool synchronize = true)
    {
        ArgumentNullException.ThrowIfNull(loss);
        Begin(synchronize, Stopwatch.GetTimestamp());
        try
        {
            loss.backward();
        }
        catch (Exception error)
        {
            Abandon(error);
            _users.RequireIntact(); // libtorch has only the message of what went wrong between ranks inside the pass.
            throw;
        }

        End();
    }

    /// <summary>
    /// Takes part in the other ranks' synchronized <see cref="Backward"/> with zeros for gradients: for a rank that has run out of
    /// data. This rank's gradients become the mean, too.
    /// </summary>
    /// <exception cref="DistributedException">A rank ended, did not arrive in time, or called something else.</exception>
    /// <exception cref="InvalidOperationException">An earlier pass failed halfway.</exception>
    public void ReduceZeros()
    {
        RequireUnbroken();
        using var noGradient = no_grad();
        foreach (ParameterGradient gradient in _gradients)
        {
            gradient.Begin();
            gradient.Zero(toNone: _usage.AllowsUnused);
            gradient.ResetUse();
        }

        _isBroken = true; // Unless it is seen to the end.
        foreach (GradientBucket bucket in _buckets)
        {
            ReduceBucket(bucket);
            bucket.EndReduction();
        }

        _isBroken = false;
        _usage.FinishShadowedPass();
    }

    /// <summary>
    /// Rebuilds the buckets for gradients that arrive in another order than the one assumed at first; rank 0's order counts for all.
    /// The gradients keep their values; gradient tensors obtained before are no longer the parameters'. All ranks call it together.
    /// </summary>
    /// <param name="order">Indices of the parameters, the first to get its gradient first.</param>
    /// <returns>Whether the buckets changed.</returns>
    public bool Rebuild(IReadOnlyList<int> order)
    {
        ArgumentNullException.ThrowIfNull(order);
        using Tensor shared = tensor([.. order.Select(index => (long)index)], ScalarType.Int64);
        Group.Broadcast(shared, root: 0);
        GradientBucket[] old = _buckets;
        int[] agreed = [.. shared.data<long>().Select(index => (int)index)];
        if (Assign(agreed).SelectMany(indices => indices.Append(-1)).SequenceEqual(Assign(null).SelectMany(indices => indices.Append(-1))))
        {
            return false;
        }

        using var noGradient = no_grad();
        _buckets = MakeBuckets(agreed);
        foreach (GradientBucket bucket in old)
        {
            bucket.Free();
        }

        return true;
    }

    /// <summary>Releases the buckets and leaves the group; the parameters keep their gradients.</summary>
    public void Dispose()
    {
        _queue.Cancel();
        _observation.Dispose();
        Group.Dispose();
        _queue.Dispose();
        _usage.Dispose();
        foreach (GradientBucket bucket in _buckets)
        {
            bucket.Free();
        }

        foreach (ParameterGradient gradient in _gradients)
        {
            gradient.Free();
        }
    }

    /// <summary>A backward pass begins: from now on it is seen which gradients it adds to, and they are averaged while it goes on.</summary>
    /// <param name="synchronize">False: only adds up this rank's gradients.</param>
    /// <param name="start">The time stamp that its times count from.</param>
    internal void Begin(bool synchronize, long start)
    {
        RequireUnbroken();
        _start = start;
        _synchronizes = synchronize;
        _timer.Reset();
        using (no_grad())
        {
            foreach (ParameterGradient gradient in _gradients)
            {
                gradient.Begin();
            }
        }

        _queue.Begin(_buckets, synchronize && _options.Overlap && Group.Size > 1 && _usage.AllowsOverlap, TimeSpan.FromSeconds(LastTimings.BackwardSeconds), start);
        IsRunning = true;
    }

    /// <summary>The pass has computed all gradients: averages what is left, and checks what it used.</summary>
    internal void End()
    {
        IsRunning = false;
        long computed = Stopwatch.GetTimestamp();
        try
        {
            _queue.Computed();
            _users.RequireIntact();
            RequireInPlace();
            if (_synchronizes)
            {
                _queue.Finish();
            }
        }
        catch (Exception error)
        {
            Abandon(error);
            throw;
        }

        using (no_grad())
        {
            Complete(_synchronizes);
        }

        LastTimings = _timer.Measure(_start, computed, Stopwatch.GetTimestamp());
        LastBuckets = _queue.Measure(computed, hasExchanged: _synchronizes && Group.Size > 1);
    }

    /// <summary>The pass that runs will not end. Ranks that have begun to average no longer agree.</summary>
    /// <param name="error">Why; null: not known.</param>
    internal void Abandon(Exception? error)
    {
        IsRunning = false;
        _queue.Cancel();
        _isBroken = _queue.Taken > 0;
        _failure = error;
    }

    /// <exception cref="InvalidOperationException">An earlier pass failed halfway; the inner exception is what it failed with.</exception>
    internal void RequireUnbroken()
    {
        if (_isBroken)
        {
            throw new InvalidOperationException(
                $"an earlier backward pass failed after it had begun to average gradients, so the ranks no longer agree{(_failure is null ? "" : $" ({_failure.Message.TrimEnd('.')})")}. Restart the job.", _failure);
        }
    }

    private static void RequireReducible(string name, Parameter parameter)
    {
        if (parameter.device_type != DeviceType.CPU || parameter.is_sparse || !ReduceOps.Supports(parameter.dtype, ReduceOp.Average))
        {
            throw new ArgumentException($"the parameter '{name}' is {(parameter.is_sparse ? "sparse" : "dense")}, {parameter.dtype}, on {parameter.device_type}. Gradients are averaged for dense floating-point parameters on the CPU; move it there or set its requires_grad to false.");
        }
    }

    private IReadOnlyList<IReadOnlyList<int>> Assign(IReadOnlyList<int>? order) =>
        BucketAssignment.Compute([.. _gradients.Select(g => (g.Parameter.numel() * g.Parameter.element_size(), g.Parameter.dtype))], _options.BucketCapMb, _options.FirstBucketCapMb, order);

    private GradientBucket[] MakeBuckets(IReadOnlyList<int>? order)
    {
        IReadOnlyList<IReadOnlyList<int>> assigned = Assign(order);
        return [.. assigned.Select((indices, i) => new GradientBucket(i, i == assigned.Count - 1, [.. indices.Select(index => _gradients[index])], Group, _options.GradientAsBucketView))];
    }

    private void ReduceBucket(GradientBucket bucket)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        bucket.BeginReduction(_usage.AllowsUnused);
        if (Group.Size > 1)
        {
            _hook.Reduce(bucket, Group);
            if (MeanScale != 1)
            {
                bucket.Flat.mul_(MeanScale);
            }
        }
    }

    // With create_graph a pass makes new gradients, which are part of a graph.
    private void RequireInPlace()
    {
        string[] replaced = [.. _gradients.Where(gradient => gradient.IsReplaced).Select(gradient => gradient.Name)];
        if (replaced.Length > 0)
        {
            throw new InvalidOperationException(
                $"backward gave {ParameterUsage.Quote(replaced)} new gradients instead of adding to the present ones, as it does with create_graph: true. Means over the ranks have no graph. Use torch.autograd.grad(..., create_graph: true) for gradients that the loss needs, and loss.backward() without create_graph for those that train.");
        }
    }

    private void Complete(bool synchronized)
    {
        foreach (ParameterGradient gradient in _gradients)
        {
            gradient.RecordUse();
        }

        if (!synchronized)
        {
            return;
        }

        try
        {
            _usage.RequireUnchangedSinceReduction();
            foreach (GradientBucket bucket in _buckets)
            {
                bucket.EndReduction();
            }

            _usage.FinishPass();
        }
        finally
        {
            foreach (ParameterGradient gradient in _gradients)
            {
                gradient.ResetUse();
            }
        }
    }
}

/// <summary>How gradients are gathered into buckets and averaged. Names and defaults are PyTorch's unless stated otherwise.</summary>
public record ReducerOptions
{
    /// <summary>How large a bucket of gradients gets, in units of 2^20 bytes; above 0. Default: 25.</summary>
    public double BucketCapMb { get; init; } = BucketAssignment.DefaultBucketCapMb;

    /// <summary>The same for each element type's first bucket, which is small so that communication begins early. Default: 1.</summary>
    public double FirstBucketCapMb { get; init; } = BucketAssignment.DefaultFirstBucketCapMb;

    /// <summary>
    /// Whether a backward pass may leave parameters out. One more small message per step then tells which ones no rank used; their
    /// gradients stay as they were. Otherwise a parameter that this rank did not use is an error. Default: false.
    /// </summary>
    public bool FindUnusedParameters { get; init; }

    /// <summary>
    /// Whether every step uses the same parameters in the same way. The first step finds out which ones no rank uses and how often
    /// each gradient is added to, without overlap; later steps rely on it and fail when it changes. Default: false.
    /// </summary>
    public bool StaticGraph { get; init; }

    /// <summary>
    /// Whether the gradients lie inside the buckets, so that nothing is copied. Otherwise they have memory of their own and are
    /// copied into the buckets and back. Default: true (PyTorch: false).
    /// </summary>
    public bool GradientAsBucketView { get; init; } = true;

    /// <summary>Whether buckets are averaged while backward still computes other gradients. Results do not depend on it. Default: true.</summary>
    public bool Overlap { get; init; } = true;
}
