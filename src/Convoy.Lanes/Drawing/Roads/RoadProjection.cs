using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Where things that stand on or beside the road appear on the canvas.</summary>
internal sealed class RoadProjection(RoadCamera camera, RoadGeometry geometry)
{
    public RoadCamera Camera => camera;

    public RoadGeometry Geometry => geometry;

    /// <param name="lateral">Metres right of the ego lane's centre.</param>
    /// <param name="height">Metres above the road's surface.</param>
    /// <param name="z">Metres ahead; positive.</param>
    public SKPoint At(double lateral, double height, double z)
    {
        (double column, double row, _) = camera.Project(lateral + geometry.CentreAt(z), height + geometry.HeightAt(z), z);
        return new SKPoint((float)column + 0.5f, (float)row + 0.5f);
    }

    /// <summary>Pixels that a metre across the road takes at a distance.</summary>
    public float PixelsPerMetre(double z) => (float)(camera.FocalX / camera.DepthAt(z, (camera.Height - geometry.HeightAt(z)) / z));

    /// <summary>Metres right of the camera.</summary>
    public double AcrossAt(double lateral, double z) => lateral + geometry.CentreAt(z);

    /// <summary>The farthest distance, up to a limit, to which the camera sees the road without a gap.</summary>
    public double SeenUpTo(double limit)
    {
        double seen = 2;
        for (double z = 2; z <= limit && geometry.Sees(z, camera.Height); z *= 1.02)
        {
            seen = z;
        }

        return seen;
    }

    /// <summary>A closed polygon.</summary>
    public static SKPath Polygon(params ReadOnlySpan<SKPoint> corners)
    {
        var path = new SKPath();
        path.AddPoly(corners.ToArray(), close: true);
        return path;
    }
}
