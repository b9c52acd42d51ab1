using Convoy.Lanes.Data;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>
/// The exact TuSimple label of a scene: for each row, solves for the distance at which its ray meets the road, and computes the column of
/// each line there. Lines are labelled from left to right, at most five, through whatever occludes them, but not behind a crest, beyond
/// <see cref="RoadScene.LabelDistance"/> or outside the picture.
/// </summary>
internal static class LaneLabeller
{
    /// <summary>A line with fewer points than this is left out.</summary>
    private const int FewestPoints = 2;

    /// <summary>TuSimple's rows, 160 to 710 in steps of 10 at 1280x720, for a picture of this size.</summary>
    public static double[] Rows(ImageSize size) =>
        [.. Enumerable.Range(16, 56).Select(ten => ten * 10.0 * size.Height / ImageSize.TuSimple.Height)];

    /// <summary>The label of a scene in a picture of the given size; columns are not rounded.</summary>
    public static TuSimpleLabel Label(RoadScene scene, ImageSize size, string rawFile)
    {
        RoadCamera camera = scene.Camera.Scaled(size);
        double[] rows = Rows(size);
        var lanes = new List<double[]>();
        foreach (LaneLine line in scene.Lines)
        {
            double[] lane = Array.ConvertAll(rows, row => ColumnOf(line, row, scene, camera, size.Width));
            if (lane.Count(x => x >= 0) >= FewestPoints)
            {
                lanes.Add(lane);
            }
        }

        return new TuSimpleLabel(rawFile, [.. lanes], rows);
    }

    private static double ColumnOf(LaneLine line, double row, RoadScene scene, RoadCamera camera, int width)
    {
        double tangent = camera.TangentOfRow(row);
        double z = scene.Geometry.DistanceAt(tangent, camera.Height);
        if (double.IsNaN(z) || z > scene.LabelDistance)
        {
            return TuSimpleLabel.NoPoint;
        }

        double x = line.Lateral + scene.Geometry.CentreAt(z);
        double column = camera.CentreX + (camera.FocalX * x / camera.DepthAt(z, tangent));
        return column >= 0 && column <= width - 1 ? column : TuSimpleLabel.NoPoint;
    }
}
