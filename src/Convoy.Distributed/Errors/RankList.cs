using System.Globalization;

namespace Convoy.Distributed.Errors;

/// <summary>Ranks in words.</summary>
internal static class RankList
{
    /// <summary><c>rank 3</c>, or <c>ranks 1, 3</c>.</summary>
    public static string Describe(IReadOnlyList<int> ranks) =>
        (ranks.Count == 1 ? "rank " : "ranks ") + string.Join(", ", ranks.Select(rank => rank.ToString(CultureInfo.InvariantCulture)));
}
