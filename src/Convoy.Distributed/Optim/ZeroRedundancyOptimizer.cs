using Convoy.Distributed.UnevenInputs;
using Convoy.Torch.Optim;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Optim;

/// <summary>
/// An optimizer whose state is spread over the ranks (ZeRO stage 1: Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training
/// Trillion Parameter Models", SC 2020), as PyTorch's <c>ZeroRedundancyOptimizer</c>: each rank updates its part of the parameters and keeps
/// state for that part only, then all ranks have all updated parameters. The weights are bit for bit those of the plain optimizer.
/// </summary>
/// <remarks>
/// <para>Make it after the model is wrapped by <c>DistributedDataParallel</c>, or over equal parameters: each parameter takes the value that
/// its owner has. The gradients must be equal on all ranks, as backward leaves them.</para>
/// <para>With shared parameters (see <see cref="ZeroRedundancyOptions.ShareParameters"/>) whatever else writes parameters on one rank writes them on all: load weights on all ranks
/// at the same place of the program, and have no other optimizer update them. A rank may read them until it calls <see cref="step"/>.</para>
/// <para>A learning rate scheduler takes it like any optimizer; every rank runs its own. An optimizer that looks at all parameters at once (a norm over all
/// of them, LBFGS) computes something else over a part. Clip gradients before <see cref="step"/>: each rank has all of them.</para>
/// </remarks>
public sealed class ZeroRedundancyOptimizer : optim.Optimizer, IJoinable
{
    private readonly ProcessGroup _group;
    private readonly Func<IReadOnlyList<Parameter>, optim.Optimizer> _make;
    private readonly ParameterPartition _partition;
    private readonly Parameter? _placeholder;
    private JoinContext? _join;
    private int _stepAct;

    /// <summary>Shares the parameters out over the ranks and makes this rank's optimizer. All ranks call it together.</summary>
    /// <param name="parameters">Dense parameters on the CPU, each once, the same in the same order on all ranks.</param>
    /// <param name="group">The ranks. It stays the caller's to dispose, after this.</param>
    /// <param name="make">
    /// Makes the optimizer over some of the parameters, for example <c>p => torch.optim.AdamW(p, lr: 1e-3)</c>. A rank without parameters gives it one
    /// of its own that never has a gradient.
    /// </param>
    /// <param name="options">What differs from the defaults; the same on all ranks.</param>
    /// <exception cref="ArgumentException">There are no parameters, one is given twice, one is not a dense tensor on the CPU, or the optimizer clips by the norm of its part.</exception>
    /// <exception cref="DistributedException">A rank failed, or there is not enough shared memory.</exception>
    public ZeroRedundancyOptimizer(
        IEnumerable<Parameter> parameters, ProcessGroup group, Func<IReadOnlyList<Parameter>, optim.Optimizer> make, ZeroRedundancyOptions? options = null)
        : base(nint.Zero)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(make);
        Parameter[] all = [.. parameters];
        if (all.Length == 0 || all.DistinctBy(parameter => parameter.Handle).Count() != all.Length || all.Any(parameter => parameter.device_type != DeviceType.CPU || parameter.is_sparse))
        {
            throw new ArgumentException($"{all.Length} parameters were given. Give at least one, each once, all dense and on the CPU.", nameof(parameters));
        }

        (_group, _make) = (group, make);
        _partition = new ParameterPartition(all, group, (options ?? new ZeroRedundancyOptions()).ShareParameters);
        LocalParameters = [.. _partition.Own];
        if (LocalParameters.Count == 0)
        {
            using Tensor zero = zeros([1]);
            _placeholder = new Parameter(zero);
        }

        LocalOptimizer = make(_placeholder is null ? LocalParameters : [_placeholder]);
        if (LocalOptimizer is FusedAdamW { MaxNorm: > 0 } fused)
        {
            throw new ArgumentException(FormattableString.Invariant($"the optimizer clips to {fused.MaxNorm} by the norm of one rank's parameters. Clip with nn.utils.clip_grad_norm_ before each step instead."), nameof(make));
        }
    }

    /// <summary>The optimizer over this rank's part (PyTorch's <c>optim</c>).</summary>
    public optim.Optimizer LocalOptimizer { get; }

    /// <summary>The parameters that this rank updates, in the order given; may be none.</summary>
    public IReadOnlyList<Parameter> LocalParameters { get; }

    /// <summary>The rank that updates each parameter, in the order given: the largest parameter first, always to the rank that has least.</summary>
    public IReadOnlyList<int> Owners => _partition.Owners;

    /// <summary>Whether the parameters are the same memory on all ranks.</summary>
    public bool SharesParameters => _partition.IsShared;

    /// <summary>The bytes of the optimizer's state on this rank.</summary>
    /// <exception cref="NotSupportedException">The optimizer is not one of TorchSharp's.</exception>
    public long StateBytes => _placeholder is not null ? 0 : OptimizerStates.Of(LocalOptimizer).Sum(entry => OptimizerStates.Bytes(entry.State));

    /// <summary>This rank's optimizer's groups: change learning rates here, on all ranks alike.</summary>
    public override IEnumerable<optim.ILearningRateController> ParamGroups => LocalOptimizer.ParamGroups;

    /// <inheritdoc/>
    ProcessGroup IJoinable.JoinGroup => _group;

    /// <summary>All parameters.</summary>
    public override IEnumerable<Parameter> parameters() => _partition.Parameters;

    /// <summary>Fills the gradients of all parameters with zeros in place.</summary>
    public override void zero_grad()
    {
        RequireThere();
        using var noGradient = no_grad();
        foreach (Parameter parameter in _partition.Parameters)
        {
            using Tensor? gradient = parameter.grad;
            gradient?.zero_();
        }
    }

    /// <summary>Updates this rank's part of the parameters; returns when all parts are updated. All ranks call it together.</summary>
    /// <param name="closure">Computes the loss and the gradients before the update; on all ranks or on none.</param>
    /// <returns>What <paramref name="closure"/> returned; null without it.</returns>
    /// <exception cref="InvalidOperationException">A parameter was disposed after the optimizer was made; before anything is sent.</exception>
    /// <exception cref="DistributedException">A rank failed.</exception>
    public override Tensor step(Func<Tensor>? closure = null)
    {
        RequireThere();
        Tensor? loss = closure?.Invoke();
        _join?.Announce(_stepAct);
        Update();
        return loss!;
    }

    /// <summary>Not possible: the parameters are shared out once.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override void add_param_group(ParamGroup param_group) =>
        throw new NotSupportedException("the parameters are shared out over the ranks when the optimizer is made. Make a new one over all parameters.");

    /// <summary>
    /// Brings the state of all parts together (PyTorch's <c>consolidate_state_dict</c>): on rank <paramref name="root"/> an optimizer over all parameters, from
    /// which to save the state as from any other. It is the caller's to dispose, and must not update anything. All ranks call it together.
    /// </summary>
    /// <param name="root">The rank that gets it.</param>
    /// <returns>The optimizer; null on all other ranks.</returns>
    /// <exception cref="NotSupportedException">The optimizer is not one of TorchSharp's.</exception>
    /// <exception cref="DistributedException">A rank failed.</exception>
    public optim.Optimizer? ConsolidateState(int root = 0)
    {
        optim.Optimizer? whole = _group.Rank == root ? _make(_partition.Parameters) : null;
        Move(whole, root, toRoot: true);
        foreach ((optim.ILearningRateController from, optim.ILearningRateController to) in ParamGroups.Zip(whole?.ParamGroups ?? []))
        {
            (to.LearningRate, to.InitialLearningRate) = (from.LearningRate, from.InitialLearningRate);
        }

        return whole;
    }

    /// <summary>Gives every rank its part of the state that rank <paramref name="root"/> has for all parameters: the reverse of <see cref="ConsolidateState"/>. Learning rates stay. All ranks call it together.</summary>
    /// <param name="whole">On the root: an optimizer of the same kind over all parameters; elsewhere null.</param>
    /// <param name="root">The rank that has it.</param>
    /// <exception cref="ArgumentException">It is missing on the root, given elsewhere, or lacks parameters.</exception>
    /// <exception cref="NotSupportedException">The optimizer is not one of TorchSharp's.</exception>
    /// <exception cref="DistributedException">A rank failed.</exception>
    public void LoadState(optim.Optimizer? whole, int root = 0)
    {
        if ((whole is not null) != (_group.Rank == root))
        {
            throw new ArgumentException($"only rank {root} gives an optimizer to load from (this is rank {_group.Rank}). Give null elsewhere.", nameof(whole));
        }

        Move(whole, root, toRoot: false);
    }

    /// <inheritdoc/>
    void IJoinable.EnterJoin(JoinContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        _join = context;
        _stepAct = context.Register("optimizer step", _ => Update());
    }

    /// <inheritdoc/>
    void IJoinable.LeaveJoin() => _join = null;

    /// <inheritdoc/>
    void IJoinable.TakeOver(int root)
    {
        // Every step has given all ranks the same parameters.
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            LocalOptimizer.Dispose();
            _placeholder?.Dispose();
            _partition.Dispose();
        }

        base.Dispose(disposing);
    }

    private void RequireThere()
    {
        if (_partition.Parameters.Select((parameter, number) => (parameter, number)).FirstOrDefault(entry => entry.parameter.IsInvalid) is ({ }, var number))
        {
            throw new InvalidOperationException(FormattableString.Invariant($"parameter number {number} of {_partition.Parameters.Count}, counted from 0, was disposed or replaced after the optimizer was made. Convert and load the module first, then make the optimizer."));
        }
    }

    private void Update()
    {
        _partition.BeginUpdate();
        LocalOptimizer.step();
        _partition.Publish();
    }

    // Parameter by parameter, between the root's whole optimizer and the owner's.
    private void Move(optim.Optimizer? whole, int root, bool toRoot)
    {
        using var noGradient = no_grad();
        Dictionary<nint, OptimizerState> local = States(LocalOptimizer);
        Dictionary<nint, OptimizerState> all = whole is null ? [] : States(whole);
        for (int i = 0; i < _partition.Parameters.Count; i++)
        {
            using var scope = NewDisposeScope();
            nint handle = _partition.Parameters[i].Handle;
            bool owns = Owners[i] == _group.Rank;
            if (whole is not null && !all.ContainsKey(handle))
            {
                throw new ArgumentException($"the optimizer has no state for parameter {i}. Make it over all parameters.", nameof(whole));
            }

            (int sender, int receiver) = toRoot ? (Owners[i], root) : (root, Owners[i]);
            if (whole is not null && owns)
            {
                OptimizerStates.Copy(toRoot ? local[handle] : all[handle], toRoot ? all[handle] : local[handle]);
            }
            else if (_group.Rank == sender)
            {
                OptimizerStates.Send(toRoot ? local[handle] : all[handle], _group, receiver);
            }
            else if (_group.Rank == receiver)
            {
                OptimizerStates.Receive(toRoot ? all[handle] : local[handle], _group, sender);
            }
        }
    }

    private static Dictionary<nint, OptimizerState> States(optim.Optimizer optimizer) =>
        OptimizerStates.Of(optimizer).ToDictionary(entry => entry.Parameter.Handle, entry => entry.State);
}

/// <summary>The options of <see cref="ZeroRedundancyOptimizer"/>. All ranks give the same.</summary>
public sealed record ZeroRedundancyOptions
{
    /// <summary>
    /// Whether the parameters become the same memory on all ranks where the group offers that: an update is then seen by all ranks without copying, and
    /// the model's parameters exist once instead of once for each rank. Otherwise each rank keeps its own, and every owner's part is broadcast.
    /// Default: true.
    /// </summary>
    public bool ShareParameters { get; init; } = true;
}
