namespace Convoy.Distributed;

/// <summary>
/// What the ranks of a group are called in errors. A group that works within another one calls them as that one does, so that whoever reads the error knows which processes are meant.
/// </summary>
internal sealed class RankNames
{
    private IReadOnlyList<int>? _names;

    /// <summary>What a rank is called.</summary>
    public int this[int rank] => _names is { } names && rank >= 0 && rank < names.Count ? names[rank] : rank;

    /// <summary>What several are called.</summary>
    public int[] Of(IEnumerable<int> ranks) => [.. ranks.Select(rank => this[rank])];

    /// <summary>The rank that is called <paramref name="name"/>; -1: none.</summary>
    public int Find(int name) => _names is null ? name : _names.ToList().IndexOf(name);

    /// <summary>Names rank r <paramref name="names"/>[r] from now on.</summary>
    public void Set(IReadOnlyList<int> names) => _names = names;
}
