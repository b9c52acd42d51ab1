using System.Globalization;
using Convoy.Distributed;
using static TorchSharp.torch;

namespace Convoy.Training.Checkpoints;

/// <summary>
/// The states of the ranks' random generators, from which dropout draws: each rank has its own sequence, a checkpoint has all of them, and a run that goes on with as
/// many ranks draws what it would have drawn.
/// </summary>
/// <param name="Tensors">A state each, by the rank's name; on ranks other than the first none.</param>
internal sealed record RandomStates(IReadOnlyDictionary<string, Tensor> Tensors) : IDisposable
{
    /// <summary>Brings the states of all ranks to rank 0; all ranks call it together.</summary>
    public static RandomStates Gather(ProcessGroup group)
    {
        using Tensor own = get_rng_state();
        Tensor[] all = [.. Enumerable.Range(0, group.Rank == 0 ? group.Size : 0).Select(_ => empty_like(own).DetachFromDisposeScope())];
        group.Gather(all, own, root: 0);
        return new RandomStates(all.Select((state, rank) => (Name(rank), state)).ToDictionary(entry => entry.Item1, entry => entry.state));
    }

    /// <summary>Goes on where the checkpoint's generator of this rank stood; one that it does not have, as another number of ranks wrote it, stays as it is.</summary>
    public static void Restore(Checkpoint checkpoint, ProcessGroup group)
    {
        using Tensor? state = checkpoint.RandomState(Name(group.Rank));
        if (state is not null)
        {
            set_rng_state(state);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor state in Tensors.Values)
        {
            state.Dispose();
        }
    }

    private static string Name(int rank) => string.Create(CultureInfo.InvariantCulture, $"cpu.rank{rank}");
}
