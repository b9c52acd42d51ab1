using System.Globalization;

namespace Convoy.Analysis.Plots;

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
