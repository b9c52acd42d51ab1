using System.Globalization;

namespace Convoy.Analysis.Plots;

/// <summary>One axis of a chart.</summary>
/// <param name="Title">What is measured along it, with its unit.</param>
/// <param name="Min">Where it begins.</param>
/// <param name="Max">Where it ends; above <paramref name="Min"/>.</param>
/// <param name="Ticks">Its marks, in order, all of them between the ends.</param>
/// <param name="IsLogarithmic">Whether doubling is the same distance everywhere; both ends are above 0 then.</param>
public sealed record ChartAxis(string Title, double Min, double Max, IReadOnlyList<AxisTick> Ticks, bool IsLogarithmic = false)
{
    /// <summary>Where <paramref name="value"/> lies along the axis: 0 at its beginning, 1 at its end. Values beyond the ends lie at the ends.</summary>
    public double Fraction(double value) => Math.Clamp((Scale(value) - Scale(Min)) / (Scale(Max) - Scale(Min)), 0, 1);

    /// <summary>What is linear along the axis: the value, or its binary logarithm.</summary>
    public double Scale(double value) => IsLogarithmic ? Math.Log2(value) : value;
}

/// <summary>A mark on an axis.</summary>
/// <param name="Value">Where it is.</param>
/// <param name="Label">What stands beside it.</param>
public sealed record AxisTick(double Value, string Label);

/// <summary>Round numbers along an axis: 1, 2 or 5 times a power of ten apart.</summary>
public static class NiceTicks
{
    private const double Headroom = 1.08;

    // Beyond it, and below its inverse, steps of an axis are no longer finite and above 0.
    private const double Largest = 1e300;
    private static readonly double[] Steps = [1, 2, 5, 10];

    /// <summary>An axis from 0 to the first round number at or above <paramref name="largest"/>.</summary>
    /// <param name="title">The axis's title.</param>
    /// <param name="largest">The largest value to show; finite. Without one above 0 the axis ends at 1.</param>
    /// <param name="smallest">The smallest value to show; the axis begins at 0 unless this is below it.</param>
    /// <param name="wanted">About how many intervals there should be.</param>
    public static ChartAxis FromZero(string title, double largest, double smallest = 0, int wanted = 5)
    {
        double from = Math.Clamp(smallest, -Largest, 0), to = Math.Clamp(largest, 0, Largest);
        to = to - from > 1 / Largest ? to : 1;
        double step = Step((to - from) / wanted);
        int first = (int)Math.Floor((from / step) + 1e-9), last = (int)Math.Ceiling((to / step) - 1e-9);
        int digits = Math.Max(0, -(int)Math.Floor(Math.Log10(step) + 1e-9));
        AxisTick[] ticks = [.. Enumerable.Range(first, last - first + 1).Select(i => new AxisTick(i * step, (i * step).ToString($"F{digits}", CultureInfo.InvariantCulture)))];
        return new ChartAxis(title, first * step, last * step, ticks);
    }

    /// <summary>The same axis, going on a little above <paramref name="largest"/>, so that a mark there and what is written above it have room.</summary>
    public static ChartAxis WithHeadroom(ChartAxis axis, double largest)
    {
        ArgumentNullException.ThrowIfNull(axis);
        return axis with { Max = Math.Max(axis.Max, largest * Headroom) };
    }

    /// <summary>Whole round numbers from <paramref name="first"/> to <paramref name="last"/>, for steps.</summary>
    /// <param name="title">The axis's title.</param>
    /// <param name="first">Where the axis begins.</param>
    /// <param name="last">Where it ends; at least <paramref name="first"/>.</param>
    public static ChartAxis Whole(string title, long first, long last)
    {
        long step = (long)Math.Max(1, Step(Math.Max(1, last - first) / 6.0));
        long from = (first + step - 1) / step * step;
        IEnumerable<long> values = Enumerable.Range(0, (int)((last - from) / step) + 1).Select(i => from + (i * step)).Where(v => v <= last);
        return new ChartAxis(title, first - (first == last ? 0.5 : 0), last + (first == last ? 0.5 : 0), [.. values.Select(v => new AxisTick(v, v.ToString(CultureInfo.InvariantCulture)))]);
    }

    private static double Step(double least)
    {
        double power = Math.Pow(10, Math.Floor(Math.Log10(least)));
        return power * Steps.First(s => s * power >= least * (1 - 1e-9));
    }
}

/// <summary>The axis of numbers of processes: marks at those that are there, and nowhere else.</summary>
internal static class ProcessAxis
{
    // Beyond this ratio the small numbers would lie on each other: the axis becomes logarithmic.
    private const double LargestLinearRatio = 16;

    // Marks nearer than this share of the axis would print their numbers over each other.
    private const double LeastDistance = 0.05;

    public static ChartAxis Make(IEnumerable<int> processes)
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
