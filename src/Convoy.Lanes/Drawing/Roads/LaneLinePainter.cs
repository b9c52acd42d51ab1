using System.Numerics;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Paints lane lines into a row of ground: each pixel gets paint in proportion to how much of it is painted.</summary>
internal sealed class LaneLinePainter
{
    /// <summary>How much brighter paint with glass beads is than other surfaces in the car's own headlights.</summary>
    private const float Retroreflection = 1.3f;

    private readonly RoadScene _scene;
    private readonly RoadCamera _camera;
    private readonly NoiseTexture _wear;
    private readonly (LaneLine Line, double Shift)[] _stripes;

    /// <param name="scene">What is painted.</param>
    /// <param name="camera">The scene's camera for the picture's size.</param>
    /// <param name="wear">Where paint is worn away.</param>
    public LaneLinePainter(RoadScene scene, RoadCamera camera, NoiseTexture wear)
    {
        (_scene, _camera, _wear) = (scene, camera, wear);
        _stripes =
        [
            .. scene.Lines.SelectMany(line => line.Style == LaneLineStyle.Double
                ? new[] { (line, -LaneLine.DoubleSpacing / 2), (line, LaneLine.DoubleSpacing / 2) }
                : [(line, 0.0)]),
        ];
    }

    public void PaintRow(RoadRow row)
    {
        foreach ((LaneLine line, double shift) in _stripes)
        {
            double share = line.PaintedShare(row.Near, row.Far);
            if (share > 0)
            {
                PaintStripe(row, line, shift, share);
            }
        }
    }

    private void PaintStripe(RoadRow row, LaneLine line, double shift, double share)
    {
        double lateral = line.Lateral + shift;
        double left = row.ColumnOf(lateral - (line.Width / 2));
        double right = row.ColumnOf(lateral + (line.Width / 2));

        // A line that crosses the row at a shallow angle covers a slanted strip: the box that a pixel averages over grows with it.
        double slant = Math.Abs(ColumnAt(lateral, row.Near) - ColumnAt(lateral, row.Far));
        double half = (1 + Math.Min(slant, 12)) / 2;
        int first = (int)Math.Max(0, Math.Ceiling(left - half));
        int last = (int)Math.Min(row.Width - 1, Math.Floor(right + half));
        Vector3 colour = line.Colour * (_scene.Daylight == Daylight.Night ? Retroreflection : 1);
        int along = (int)(row.Distance * 14) + _scene.TextureSeed;
        for (int x = first; x <= last; x++)
        {
            double covered = Math.Min(x + half, right) - Math.Max(x - half, left);
            if (covered <= 0)
            {
                continue;
            }

            int across = (int)Math.Floor((row.Left + (x * row.Step)) * 40);
            float worn = Math.Clamp(((float)line.Wear * 1.6f) - 0.35f + (0.45f * _wear.At(across, along)), 0, 0.9f);
            float cover = (float)(covered / (2 * half) * share) * (1 - (line.Wear > 0 ? worn : 0));
            row.Red[x] += cover * (colour.X - row.Red[x]);
            row.Green[x] += cover * (colour.Y - row.Green[x]);
            row.Blue[x] += cover * (colour.Z - row.Blue[x]);
        }
    }

    private double ColumnAt(double lateral, double z) =>
        _camera.Project(lateral + _scene.Geometry.CentreAt(z), _scene.Geometry.HeightAt(z), z).Column;
}
