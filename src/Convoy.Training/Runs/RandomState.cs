using System.Globalization;
using Convoy.Distributed;
using Convoy.Training.Checkpoints;
using static TorchSharp.torch;

namespace Convoy.Training.Runs;

/// <summary>
/// The random generators of the ranks, from which dropout draws: each rank has its own sequence, a checkpoint has all of them, and a run that goes on with as
/// many ranks draws what it would have drawn.
/// </summary>
internal sealed class RandomState
{
    private readonly ProcessGroup _group;

    /// <summary>From here on the ranks draw from sequences of their own: the model is made.</summary>
    public RandomState(ProcessGroup group, RandomSources sources)
    {
        _group = group;
        sources.SeparateRanks();
    }

    /// <summary>Goes on where the checkpoint's generator of this rank stood; one that it does not have, as another number of ranks wrote it, stays as it is.</summary>
    public void Restore(Checkpoint checkpoint)
    {
        using Tensor? state = checkpoint.RandomState(Name(_group.Rank));
        if (state is not null)
        {
            set_rng_state(state);
        }
    }

    /// <summary>Brings the states of all ranks to rank 0; all ranks call it together.</summary>
    public RandomStates Gather()
    {
        using Tensor own = get_rng_state();
        Tensor[] all = [.. Enumerable.Range(0, _group.Rank == 0 ? _group.Size : 0).Select(_ => empty_like(own).DetachFromDisposeScope())];
        _group.Gather(all, own, root: 0);
        return new RandomStates(all.Select((state, rank) => (Name(rank), state)).ToDictionary(entry => entry.Item1, entry => entry.state));
    }

    private static string Name(int rank) => string.Create(CultureInfo.InvariantCulture, $"cpu.rank{rank}");
}

/// <summary>The gathered states of the ranks' generators; of ranks other than the first none.</summary>
/// <param name="Tensors">A state each, by the rank's name.</param>
internal sealed record RandomStates(Dictionary<string, Tensor> Tensors) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor state in Tensors.Values)
        {
            state.Dispose();
        }
    }
}
