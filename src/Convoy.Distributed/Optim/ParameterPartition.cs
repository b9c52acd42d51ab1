using Convoy.Torch.Interop;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Convoy.Distributed.Optim;

/// <summary>
/// Which rank updates which parameters, and one stretch of memory for all parameters of an element type, in which each rank's
/// lie together.
/// </summary>
internal sealed class ParameterPartition : IDisposable
{
    private readonly ProcessGroup _group;
    private readonly List<(Tensor Part, int Owner)> _parts = [];
    private readonly List<Tensor> _memory = [];

    /// <summary>Moves the parameters, which keep the values that their owners have. All ranks call it together.</summary>
    /// <param name="parameters">The parameters, the same on all ranks.</param>
    /// <param name="group">The ranks.</param>
    /// <param name="shares">Whether all ranks use the same memory where they can.</param>
    public ParameterPartition(IReadOnlyList<Parameter> parameters, ProcessGroup group, bool shares)
    {
        _group = group;
        Parameters = parameters;
        Owners = Assign([.. parameters.Select(parameter => parameter.numel())], group.Size);
        IsShared = shares;
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var moves = new List<(Parameter Parameter, Tensor Place, bool IsOwn)>();
        foreach (IGrouping<ScalarType, int> ofType in Enumerable.Range(0, parameters.Count).GroupBy(index => parameters[index].dtype))
        {
            Place([.. ofType.OrderBy(index => Owners[index])], moves);
        }

        foreach ((Parameter parameter, Tensor place, bool isOwn) in moves)
        {
            if (isOwn)
            {
                place.copy_(parameter);
            }
        }

        Publish();
        foreach ((Parameter parameter, Tensor place, _) in moves)
        {
            parameter.set_(place);
        }
    }

    /// <summary>All parameters.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The rank that updates each parameter.</summary>
    public IReadOnlyList<int> Owners { get; }

    /// <summary>Whether the parameters are the same memory on all ranks.</summary>
    public bool IsShared { get; private set; }

    /// <summary>The parameters that this rank updates, in the order given.</summary>
    public IEnumerable<Parameter> Own => Parameters.Where((_, index) => Owners[index] == _group.Rank);

    /// <summary>Gives each of <paramref name="sizes"/> to a rank, the largest first, always to the one that has least so far (of several the first), as PyTorch's ZeroRedundancyOptimizer.</summary>
    public static int[] Assign(IReadOnlyList<long> sizes, int ranks)
    {
        int[] owners = new int[sizes.Count];
        long[] sums = new long[ranks];
        foreach (int index in Enumerable.Range(0, owners.Length).OrderByDescending(index => sizes[index]))
        {
            int least = Array.IndexOf(sums, sums.Min());
            owners[index] = least;
            sums[least] += sizes[index];
        }

        return owners;
    }

    /// <summary>Returns when no rank uses the values any more that owners are about to change.</summary>
    public void BeginUpdate()
    {
        if (IsShared)
        {
            _group.Barrier();
        }
    }

    /// <summary>Returns when all ranks have the values of the parameters' owners.</summary>
    public void Publish()
    {
        if (IsShared)
        {
            _group.Barrier();
            return;
        }

        foreach ((Tensor part, int owner) in _parts)
        {
            _group.Broadcast(part, owner);
        }
    }

    /// <summary>Releases the memory; parameters that lie in it keep it alive.</summary>
    public void Dispose()
    {
        _parts.ForEach(part => part.Part.Dispose());
        _memory.ForEach(memory => memory.Dispose());
    }

    // Parameters of one type, those of one owner after the other.
    private void Place(int[] indices, List<(Parameter Parameter, Tensor Place, bool IsOwn)> moves)
    {
        Parameter[] parameters = [.. indices.Select(index => Parameters[index])];
        (long[] offsets, long count) = FlatLayout.Offsets(parameters);
        Tensor memory = Allocate(Math.Max(1, count), parameters[0].dtype);
        _memory.Add(memory);
        for (int i = 0; i < indices.Length; i++)
        {
            moves.Add((parameters[i], memory.as_strided(parameters[i].shape, FlatLayout.DenseStrides(parameters[i]), offsets[i]), Owners[indices[i]] == _group.Rank));
        }

        foreach (IGrouping<int, int> ofOwner in Enumerable.Range(0, indices.Length).GroupBy(i => Owners[indices[i]]))
        {
            long start = offsets[ofOwner.First()], end = ofOwner.Last() + 1 < offsets.Length ? offsets[ofOwner.Last() + 1] : count;
            _parts.Add((memory.narrow(0, start, end - start).DetachFromDisposeScope(), ofOwner.Key));
        }
    }

    private Tensor Allocate(long count, ScalarType type)
    {
        Tensor? shared = IsShared ? _group.AllocateShared(count, type) : null;
        IsShared &= shared is not null;
        return shared ?? zeros([count], type).DetachFromDisposeScope();
    }
}
