using Convoy.Distributed.UnevenInputs;

namespace Convoy.Distributed.Nn;

/// <summary>
/// What the wrappers for modules of one, two and three inputs have in common. Their base classes in TorchSharp have nothing but <c>nn.Module</c> in common, so what overrides its members or is their own
/// stands in each; what they implement stands here.
/// </summary>
internal interface IWrapper : IJoinable
{
    /// <summary>What does the work.</summary>
    DistributedDataParallel Core { get; }

    /// <inheritdoc/>
    ProcessGroup IJoinable.JoinGroup => ((IJoinable)Core).JoinGroup;

    /// <inheritdoc/>
    void IJoinable.EnterJoin(JoinContext context) => ((IJoinable)Core).EnterJoin(context);

    /// <inheritdoc/>
    void IJoinable.LeaveJoin() => ((IJoinable)Core).LeaveJoin();

    /// <inheritdoc/>
    void IJoinable.TakeOver(int root) => ((IJoinable)Core).TakeOver(root);
}
