using System.Numerics;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Everything that one drawn frame shows, in metres; both the picture and the label come from here.</summary>
internal sealed record RoadScene
{
    /// <summary>The camera for a picture of 1280x720.</summary>
    public required RoadCamera Camera { get; init; }

    public required RoadGeometry Geometry { get; init; }

    /// <summary>The lane lines from left to right, 2 to 5.</summary>
    public required IReadOnlyList<LaneLine> Lines { get; init; }

    /// <summary>Lines are labelled up to this many metres ahead.</summary>
    public required double LabelDistance { get; init; }

    public required Daylight Daylight { get; init; }

    public required Weather Weather { get; init; }

    /// <summary>Metres at which haze has taken away about two thirds of the contrast.</summary>
    public required double Visibility { get; init; }

    /// <summary>The sun's side: -1 is left, 1 is right, 0 straight ahead. Shadows fall to the other side.</summary>
    public required double SunSide { get; init; }

    public required Pavement Pavement { get; init; }

    public required Roadside LeftSide { get; init; }

    public required Roadside RightSide { get; init; }

    /// <summary>The shadows of bridges and trees; those of vehicles are derived from the vehicles.</summary>
    public required IReadOnlyList<RoadShadow> Shadows { get; init; }

    /// <summary>Metres to a bridge over the road, if there is one.</summary>
    public required double? Bridge { get; init; }

    /// <summary>Metres to an overhead sign, if there is one.</summary>
    public required double? Gantry { get; init; }

    public required IReadOnlyList<Tree> Trees { get; init; }

    /// <summary>The vehicles, the farthest first.</summary>
    public required IReadOnlyList<Vehicle> Vehicles { get; init; }

    /// <summary>Metres to the headlights of oncoming traffic beyond the left border, the farthest first.</summary>
    public required IReadOnlyList<double> Oncoming { get; init; }

    /// <summary>Metres from one street lamp on the right to the next, if there are any.</summary>
    public required double? StreetLamps { get; init; }

    /// <summary>Height of the hills at the horizon in degrees; 0 for none.</summary>
    public required double Mountains { get; init; }

    /// <summary>Where the textures of this frame start.</summary>
    public required int TextureSeed { get; init; }

    /// <summary>Metres right of the ego lane's centre where the pavement begins.</summary>
    public double PavementLeft => Lines[0].Lateral - Pavement.LeftShoulder;

    /// <summary>Metres right of the ego lane's centre where the pavement ends.</summary>
    public double PavementRight => Lines[^1].Lateral + Pavement.RightShoulder;

    /// <summary>True if the sun casts sharp shadows.</summary>
    public bool Sunny => Daylight != Daylight.Night && Weather == Weather.Clear;
}

/// <summary>The time of day of a drawn scene.</summary>
internal enum Daylight
{
    Day,

    /// <summary>A low sun ahead that dazzles the camera.</summary>
    Dusk,

    /// <summary>Dark, with the car's own headlights on the road.</summary>
    Night,
}

/// <summary>The weather of a drawn scene.</summary>
internal enum Weather
{
    Clear,

    Cloudy,

    /// <summary>Streaks, a wet and mirroring road, little contrast.</summary>
    Rain,
}

/// <summary>What the surface of the carriageway looks like.</summary>
/// <param name="Colour">The lanes' colour in daylight, 0 to 1.</param>
/// <param name="Grain">Strength of the texture, about 0.02 to 0.1.</param>
/// <param name="TyreDarkening">How much darker the wheel tracks are, 0 to 0.3.</param>
/// <param name="Joints">Dark joints along the lane lines and across the slabs, as on concrete; tar seams otherwise.</param>
/// <param name="LeftShoulder">Width of the left shoulder in metres.</param>
/// <param name="RightShoulder">Width of the right shoulder in metres.</param>
/// <param name="Grass">The verge's colour in daylight.</param>
internal sealed record Pavement(
    Vector3 Colour, double Grain, double TyreDarkening, bool Joints, double LeftShoulder, double RightShoulder, Vector3 Grass);

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

/// <summary>How a lane line is marked on the road.</summary>
internal enum LaneLineStyle
{
    /// <summary>One unbroken stripe.</summary>
    Solid,

    /// <summary>Stripes with gaps.</summary>
    Dashed,

    /// <summary>Two unbroken stripes; the label runs midway between them.</summary>
    Double,

    /// <summary>Raised dots in groups, as on Californian freeways.</summary>
    Dots,
}

/// <summary>What stands beside the road.</summary>
internal enum Roadside
{
    /// <summary>Grass only.</summary>
    Open,

    /// <summary>A concrete barrier.</summary>
    Barrier,

    /// <summary>A guard rail of steel on posts.</summary>
    GuardRail,

    /// <summary>A noise wall, several metres high.</summary>
    Wall,
}

/// <summary>A shadow that lies across or along the road.</summary>
/// <param name="Near">Metres ahead where it begins.</param>
/// <param name="Far">Metres ahead where it ends.</param>
/// <param name="Left">Metres right of the ego lane's centre where it begins; minus infinity for the whole width.</param>
/// <param name="Right">Metres right of the ego lane's centre where it ends; infinity for the whole width.</param>
/// <param name="Strength">The share of the light that it takes, 0 to 1.</param>
/// <param name="Softness">Metres over which its edge fades.</param>
/// <param name="Dappled">Whether it has gaps, as under trees.</param>
internal readonly record struct RoadShadow(
    double Near, double Far, double Left, double Right, double Strength, double Softness, bool Dappled);

/// <summary>A tree or bush beside the road.</summary>
/// <param name="Lateral">Metres right of the ego lane's centre.</param>
/// <param name="Distance">Metres ahead.</param>
/// <param name="Height">Metres.</param>
/// <param name="Seed">Where its crown's random shape starts.</param>
internal readonly record struct Tree(double Lateral, double Distance, double Height, int Seed);
