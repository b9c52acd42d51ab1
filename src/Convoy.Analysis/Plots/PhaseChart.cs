using Convoy.Analysis.Conclusions;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Plots;

/// <summary>Where a step's time goes, in each configuration.</summary>
internal static class PhaseChart
{
    private static readonly (string Name, PlotColor Color, Func<PhaseSeconds, double> Seconds)[] Phases =
    [
        ("data", PlotColor.Orange, p => p.Data),
        ("forward", PlotColor.Sky, p => p.Forward),
        ("backward", PlotColor.Blue, p => p.Backward),
        ("exposed communication", PlotColor.Vermillion, p => p.Comm),
        ("waiting for the slowest", PlotColor.Purple, p => p.Wait),
        ("optimizer", PlotColor.Green, p => p.Optimizer),
        ("other", PlotColor.Gray, p => p.Other),
    ];

    /// <summary>Null when no run recorded its phases.</summary>
    public static Chart? Of(Report report)
    {
        ConfigurationMeasurement[] measured = [.. report.Runs.Measurements.Where(m => m.Phases is not null)];
        if (measured.Length == 0)
        {
            return null;
        }

        var names = new ShortNames(report.Runs);
        double longest = measured.Max(m => m.Seconds);
        var unit = TimeUnit.For(longest);
        return new BarChart(
            "phases",
            "Where a step's time goes",
            string.Join(" ", measured.Select(m => Describe(names.Of(m.Configuration), m.Phases!))),
            NiceTicks.FromZero($"time of one step ({unit.Name})", unit.Of(longest)),
            [.. measured.Select(m => Row(names.Of(m.Configuration), m, unit))],
            [.. Phases.Select(p => new LegendEntry(p.Name, p.Color))]);
    }

    private static BarRow Row(string name, ConfigurationMeasurement measured, TimeUnit unit) => new(
        name,
        [.. Phases.Select(p => new BarSegment(p.Name, p.Color, unit.Of(p.Seconds(measured.Phases!)), Wording.Text($"{unit.Text(p.Seconds(measured.Phases!))}, {Wording.Percent(p.Seconds(measured.Phases!) / measured.Phases!.Total)}")))],
        unit.Text(measured.Seconds));

    private static string Describe(string name, PhaseSeconds phases)
    {
        var largest = Phases.Select(p => (p.Name, Share: p.Seconds(phases) / phases.Total)).OrderByDescending(p => p.Share).Take(2).ToArray();
        return $"{name}: most of the step is {largest[0].Name} ({Wording.Percent(largest[0].Share)}), then {largest[1].Name} ({Wording.Percent(largest[1].Share)}).";
    }
}
