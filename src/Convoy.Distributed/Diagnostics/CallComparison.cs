using System.Globalization;

namespace Convoy.Distributed.Diagnostics;

/// <summary>What ranks called, side by side.</summary>
internal static class CallComparison
{
    /// <summary>
    /// For example <c>rank 1 called AllReduce([3, 5] Float32, Sum) as operation 17 of group default while ranks 0, 2 called
    /// AllReduce([5, 3] Float32, Sum). ...</c>, the fewest ranks first; null when all called the same.
    /// </summary>
    /// <param name="calls">The call of each rank; null for a rank of which nothing is known.</param>
    /// <param name="number">The operation's number.</param>
    /// <param name="group">The group's name.</param>
    public static string? Describe(IReadOnlyList<string?> calls, long number, string group)
    {
        var sides = calls.Select((call, rank) => (call, rank)).Where(side => side.call is not null)
            .GroupBy(side => side.call!, side => side.rank, StringComparer.Ordinal)
            .OrderBy(side => side.Count()).ThenByDescending(side => side.First()).ToList();
        if (sides.Count <= 1)
        {
            return null;
        }

        string others = string.Join(", ", sides.Skip(1).Select(side => $"{RankList.Describe([.. side])} called {side.Key}"));
        return string.Create(CultureInfo.InvariantCulture,
            $"{RankList.Describe([.. sides[0]])} called {sides[0].Key} as operation {number} of group {group} while {others}. Every rank must call the same operations in the same order, with tensors of the same shape and type.");
    }
}
