using System.Globalization;

namespace Convoy.Analysis.Plots;

/// <summary>The axis of numbers of processes: marks at those that are there, and nowhere else.</summary>
internal static class ProcessAxis
{
    // Beyond this ratio the small numbers would lie on each other: the axis becomes logarithmic.
    private const double LargestLinearRatio = 16;

    // Marks nearer than this share of the axis would print their numbers over each other.
    private const double LeastDistance = 0.05;

    public static ChartAxis Of(IEnumerable<int> processes)
    {
        int[] all = [.. processes.Distinct().Order()];
        double first = all[0], last = all[^1];
        bool logarithmic = last / first > LargestLinearRatio;
        double margin = all.Length == 1 ? 0.5 : 0.07 * (last - first);
        double factor = Math.Pow(last / first, 0.07);
        var axis = new ChartAxis("processes", logarithmic ? first / factor : first - margin, logarithmic ? last * factor : last + margin, [], logarithmic);
        return axis with { Ticks = [.. Apart(axis, all).Select(n => new AxisTick(n, n.ToString(CultureInfo.InvariantCulture)))] };
    }

    private static List<int> Apart(ChartAxis axis, int[] all)
    {
        var kept = new List<int> { all[^1] };
        foreach (int n in all.Reverse().Skip(1))
        {
            if (axis.Fraction(kept[^1]) - axis.Fraction(n) >= LeastDistance)
            {
                kept.Add(n);
            }
        }

        kept.Reverse();
        return kept;
    }
}
