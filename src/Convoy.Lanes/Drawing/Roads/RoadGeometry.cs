namespace Convoy.Lanes.Drawing.Roads;

/// <summary>
/// The road's course: sideways a clothoid (curvature that changes linearly with distance, in its usual small-angle form
/// x = offset + heading z + k z^2/2 + k' z^3/6), in height straight grades joined by parabolas. Metres, relative to the camera.
/// </summary>
internal sealed class RoadGeometry
{
    /// <summary>Nothing of the road is drawn further away than this many metres.</summary>
    public const double FarthestDistance = 700;

    private readonly Piece[] _pieces;

    /// <param name="offset">Lateral position of the ego lane's centre below the camera.</param>
    /// <param name="heading">Slope of the road against the camera's direction; positive runs to the right.</param>
    /// <param name="curvature">1/metres at the camera; positive bends to the right.</param>
    /// <param name="curvatureRate">Change of the curvature for each metre.</param>
    /// <param name="hills">Changes of grade, ascending, not overlapping.</param>
    public RoadGeometry(double offset, double heading, double curvature, double curvatureRate, IReadOnlyList<VerticalCurve> hills)
    {
        (Offset, Heading, Curvature, CurvatureRate, Hills) = (offset, heading, curvature, curvatureRate, hills);
        var pieces = new List<Piece>();
        var at = new Piece(0, 0, 0, 0);
        foreach (VerticalCurve hill in hills)
        {
            pieces.Add(at);
            at = at.ContinuedAt(hill.Start, hill.GradeChange / hill.Length);
            pieces.Add(at);
            at = at.ContinuedAt(hill.Start + hill.Length, 0);
        }

        pieces.Add(at);
        _pieces = [.. pieces];
    }

    public double Offset { get; }

    public double Heading { get; }

    public double Curvature { get; }

    public double CurvatureRate { get; }

    public IReadOnlyList<VerticalCurve> Hills { get; }

    /// <summary>Lateral position of the ego lane's centre at a distance.</summary>
    public double CentreAt(double z) => Offset + (z * (Heading + (z * ((Curvature / 2) + (z * CurvatureRate / 6)))));

    /// <summary>Height of the road's surface at a distance.</summary>
    public double HeightAt(double z)
    {
        int piece = _pieces.Length - 1;
        while (piece > 0 && _pieces[piece].Start > z)
        {
            piece--;
        }

        return _pieces[piece].HeightAt(z);
    }

    /// <summary>
    /// Where a ray from the camera first meets the road: the smallest z with cameraHeight - HeightAt(z) = tangent z, solved
    /// exactly; not-a-number when it meets none before <see cref="FarthestDistance"/>. What lies behind a crest is never found.
    /// </summary>
    public double DistanceAt(double tangent, double cameraHeight)
    {
        for (int i = 0; i < _pieces.Length; i++)
        {
            Piece piece = _pieces[i];
            double end = i + 1 < _pieces.Length ? _pieces[i + 1].Start : FarthestDistance;
            double root = SmallestRoot(
                piece.Bend / 2,
                piece.Slope + tangent,
                piece.Height + (tangent * piece.Start) - cameraHeight,
                end - piece.Start);
            if (!double.IsNaN(root))
            {
                return piece.Start + root;
            }
        }

        return double.NaN;
    }

    /// <summary>True if the camera sees the road's surface at a distance, and no crest is in between.</summary>
    public bool Sees(double z, double cameraHeight)
    {
        double first = DistanceAt((cameraHeight - HeightAt(z)) / z, cameraHeight);
        return !double.IsNaN(first) && first > z - 0.05;
    }

    /// <summary>The smallest root of a d^2 + b d + c in [0, limit].</summary>
    private static double SmallestRoot(double a, double b, double c, double limit)
    {
        const double Slack = 1e-9;
        double low;
        double high;
        double discriminant = (b * b) - (4 * a * c);
        if (discriminant < 0)
        {
            return double.NaN;
        }

        // The form that loses no digits: one root from the sum that does not cancel, the other from the product c/a.
        double q = -0.5 * (b + Math.CopySign(Math.Sqrt(discriminant), b));
        double first = q != 0 ? c / q : double.NaN;
        double second = a != 0 ? q / a : double.NaN;
        (low, high) = first < second || double.IsNaN(second) ? (first, second) : (second, first);
        if (low >= -Slack && low <= limit + Slack)
        {
            return Math.Max(low, 0);
        }

        return high >= -Slack && high <= limit + Slack ? Math.Max(high, 0) : double.NaN;
    }

    private readonly record struct Piece(double Start, double Height, double Slope, double Bend)
    {
        public double HeightAt(double z) => Height + ((z - Start) * (Slope + ((z - Start) * Bend / 2)));

        public Piece ContinuedAt(double z, double bend) => new(z, HeightAt(z), Slope + ((z - Start) * Bend), bend);
    }
}

/// <summary>A parabolic change of grade, as roads are built: a sag (uphill behind it) or a crest (downhill behind it).</summary>
/// <param name="Start">Metres ahead of the camera where it begins.</param>
/// <param name="Length">Metres over which the grade changes, more than 0.</param>
/// <param name="GradeChange">Rise per metre that is added: positive is a sag, negative a crest.</param>
internal readonly record struct VerticalCurve(double Start, double Length, double GradeChange);
