namespace Convoy.Distributed.UnevenInputs;

/// <summary>The options of <see cref="Join"/>, named as in PyTorch's <c>join</c>. All ranks give the same.</summary>
public sealed record JoinOptions
{
    /// <summary>
    /// Whether the sum of gradients is divided by the number of all ranks, also when some have no more inputs, so that every input keeps its weight
    /// in equal parts of the batch; otherwise by the number of ranks that still have some. Default: true.
    /// </summary>
    public bool DivideByInitialWorldSize { get; init; } = true;

    /// <summary>Whether all ranks throw as soon as one of them has no more inputs while others have. Default: false.</summary>
    public bool ThrowOnEarlyTermination { get; init; }

    /// <summary>
    /// What a rank without inputs does after each backward pass that it takes part in, when its gradients are the mean over the ranks: usually the optimizer's
    /// step, so that its weights and its optimizer's state stay equal to the other ranks'. Not for an optimizer that is given to
    /// <see cref="Join"/> itself. Default: null: as in PyTorch, the weights come from the last rank at the end, and the optimizer's state
    /// on this rank remains what it was.
    /// </summary>
    public Action? AfterShadowedBackward { get; init; }
}
