using System.Numerics;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>One lane line: TuSimple's "lane".</summary>
/// <param name="Lateral">Metres right of the ego lane's centre, the same at every distance.</param>
/// <param name="Style">How it is marked.</param>
/// <param name="Yellow">Yellow paint instead of white.</param>
/// <param name="Width">Width of one stripe in metres.</param>
/// <param name="Wear">How much of the paint is gone: 0 is new, 1 is nothing left.</param>
/// <param name="DashLength">Metres of paint in a period; dashes only.</param>
/// <param name="Period">Metres from one dash (or group of dots) to the next.</param>
/// <param name="Phase">Metres by which the pattern is shifted.</param>
internal sealed record LaneLine(
    double Lateral, LaneLineStyle Style, bool Yellow, double Width, double Wear, double DashLength, double Period, double Phase)
{
    /// <summary>Metres between the middles of a double line's two stripes.</summary>
    public const double DoubleSpacing = 0.26;

    /// <summary>Dots in one group.</summary>
    private const int DotsInGroup = 4;

    /// <summary>The length of a dot along the road in metres.</summary>
    private const double DotLength = 0.12;

    /// <summary>Metres from one dot of a group to the next.</summary>
    private const double DotSpacing = 1.1;

    /// <summary>The paint's colour in daylight, 0 to 1.</summary>
    public Vector3 Colour => Yellow ? new Vector3(0.93f, 0.68f, 0.20f) : new Vector3(0.93f, 0.93f, 0.91f);

    /// <summary>The share, 0 to 1, of the stretch from <paramref name="near"/> to <paramref name="far"/> metres that is painted.</summary>
    public double PaintedShare(double near, double far)
    {
        if (Style is LaneLineStyle.Solid or LaneLineStyle.Double)
        {
            return 1;
        }

        double length = Math.Max(far - near, 1e-6);
        return (PaintedUpTo(far + Phase) - PaintedUpTo(near + Phase)) / length;
    }

    /// <summary>Metres of paint between 0 and <paramref name="z"/> in the unshifted pattern.</summary>
    private double PaintedUpTo(double z)
    {
        double periods = Math.Floor(z / Period);
        double rest = z - (periods * Period);
        if (Style == LaneLineStyle.Dashed)
        {
            return (periods * DashLength) + Math.Min(rest, DashLength);
        }

        double dots = 0;
        for (int dot = 0; dot < DotsInGroup; dot++)
        {
            dots += Math.Clamp(rest - (dot * DotSpacing), 0, DotLength);
        }

        return (periods * DotsInGroup * DotLength) + dots;
    }
}
