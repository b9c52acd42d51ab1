using Convoy.Lanes.Data;

namespace Convoy.Benchmarks;

/// <summary>Labels in TuSimple's form: four lanes that meet at a vanishing point, with TuSimple's 56 rows.</summary>
internal static class MadeUpLanes
{
    private const int Lanes = 4;

    /// <summary>A label, the same for the same seed.</summary>
    public static TuSimpleLabel Label(string file, int seed)
    {
        var random = new Random(seed);
        double[] rows = [.. Enumerable.Range(16, 56).Select(ten => ten * 10.0)];
        double vanishing = 640 + (random.NextDouble() * 60) - 30;
        double[][] lanes = [.. Enumerable.Range(0, Lanes).Select(lane =>
        {
            double slope = (lane - 1.5) * (1 + (0.1 * random.NextDouble()));
            return rows.Select(y => y < 260 ? TuSimpleLabel.NoPoint : Column(vanishing + (slope * (y - 240)))).ToArray();
        })];
        return new TuSimpleLabel(file, lanes, rows);
    }

    private static double Column(double x) => x is >= 0 and < 1280 ? Math.Round(x) : TuSimpleLabel.NoPoint;
}
