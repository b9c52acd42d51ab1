using Convoy.Lanes.Data;
using SkiaSharp;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>
/// A pinhole camera above the road: x is to the right, y up, z forward, in metres, with the road's surface at y = 0 below the
/// camera. It is tilted down by <paramref name="Pitch"/> and has no roll, so that a row of the image meets the road at one distance.
/// A pixel's centre is at whole coordinates, as in TuSimple's labels.
/// </summary>
/// <param name="Height">Metres above the road.</param>
/// <param name="Pitch">Radians, downwards positive.</param>
/// <param name="FocalX">Focal length in pixels, horizontally.</param>
/// <param name="FocalY">Focal length in pixels, vertically.</param>
/// <param name="CentreX">The principal point's column.</param>
/// <param name="CentreY">The principal point's row.</param>
internal sealed record RoadCamera(double Height, double Pitch, double FocalX, double FocalY, double CentreX, double CentreY)
{
    private readonly double _cos = Math.Cos(Pitch);
    private readonly double _sin = Math.Sin(Pitch);

    /// <summary>The row of points infinitely far away at the camera's height.</summary>
    public double HorizonRow => RowOfTangent(0);

    /// <summary>The camera that takes the same picture, made for 1280x720, in another size.</summary>
    public RoadCamera Scaled(ImageSize size)
    {
        double x = size.Width / (double)ImageSize.TuSimple.Width;
        double y = size.Height / (double)ImageSize.TuSimple.Height;
        return this with { FocalX = FocalX * x, FocalY = FocalY * y, CentreX = CentreX * x, CentreY = CentreY * y };
    }

    /// <summary>Where a point appears, and its depth along the optical axis; meaningless when the depth is not positive.</summary>
    public (double Column, double Row, double Depth) Project(double x, double y, double z)
    {
        double drop = Height - y;
        double depth = (z * _cos) + (drop * _sin);
        return (CentreX + (FocalX * x / depth), CentreY + (FocalY * ((drop * _cos) - (z * _sin)) / depth), depth);
    }

    /// <summary>The drop per metre forward of the ray through a row: positive below the horizon. Inverse of <see cref="RowOfTangent"/>.</summary>
    public double TangentOfRow(double row)
    {
        double t = (row - CentreY) / FocalY;
        return ((t * _cos) + _sin) / (_cos - (t * _sin));
    }

    /// <summary>The row of the ray that drops by <paramref name="tangent"/> metres for each metre forward.</summary>
    public double RowOfTangent(double tangent) => CentreY + (FocalY * ((tangent * _cos) - _sin) / (_cos + (tangent * _sin)));

    /// <summary>Depth along the optical axis of the point at distance <paramref name="z"/> on the ray of a tangent.</summary>
    public double DepthAt(double z, double tangent) => z * (_cos + (tangent * _sin));
}

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
