using Convoy.Distributed.Nn.GradientReduction;
using Convoy.Distributed.UnevenInputs;

namespace Convoy.Distributed.Nn;

/// <content>Communication hooks, and ranks that have fewer inputs than others.</content>
public sealed partial class DistributedDataParallel<T, TResult>
{
    private JoinContext? _join;
    private int _bufferAct;
    private int _backwardAct;
    private bool _hasHook;
    private bool _hasStarted;

    /// <inheritdoc/>
    ProcessGroup IJoinable.JoinGroup => _group;

    /// <summary>Replaces how gradients are averaged (PyTorch's <c>register_comm_hook</c>): once, before the first backward pass, on all ranks alike.</summary>
    /// <param name="hook">The hook. It stays the caller's to dispose, after this.</param>
    /// <exception cref="InvalidOperationException">There is a hook already, or a backward pass has run.</exception>
    public void RegisterCommunicationHook(ICommunicationHook hook)
    {
        ArgumentNullException.ThrowIfNull(hook);
        if (_hasHook)
        {
            throw new InvalidOperationException($"a communication hook was registered already ({Reducer.CommunicationHook.GetType().Name}). Register one only.");
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
    /// <exception cref="Errors.DistributedException">A rank failed.</exception>
    public void Join(Action body, JoinOptions? options = null) => UnevenInputs.Join.Run([this], body, options);

    /// <inheritdoc/>
    void IJoinable.EnterJoin(JoinContext context)
    {
        ArgumentNullException.ThrowIfNull(context);

        // Its layers communicate in the middle of forward and backward, where a rank without inputs is not.
        if (!context.Options.ThrowOnEarlyTermination && Module.named_modules().Select(named => named.module).Prepend(Module).OfType<SyncBatchNorm>().Any())
        {
            throw new InvalidOperationException("the model has SyncBatchNorm, which needs a batch on every rank in every step. Set ThrowOnEarlyTermination, or give all ranks equally many batches.");
        }

        _join = context;
        _bufferAct = context.Register("forward pass", round => _buffers!.Run(round.Root));
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

    private void AnnounceBackward()
    {
        if (_join is not null)
        {
            Weigh(_join, _join.Announce(_backwardAct));
        }
    }

    private void ShadowBackward(JoinRound round)
    {
        Weigh(_join!, round);
        Reducer.ReduceZeros();
        RebuildOnce();
        _join!.Options.AfterShadowedBackward?.Invoke();
    }

    // The reducer takes the mean over all ranks, those that count as zeros included.
    private void Weigh(JoinContext join, JoinRound round) =>
        Reducer.MeanScale = join.Options.DivideByInitialWorldSize ? 1 : (double)_group.Size / round.ActiveRanks.Count;
}
