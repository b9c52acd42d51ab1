namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Paints the ground row by row, from the bottom of the picture to where the road ends or hides behind a crest.</summary>
internal static class GroundPainter
{
    /// <summary>Gives back the topmost row that shows ground; the picture's height if none does.</summary>
    public static int Paint(Picture picture, RoadScene scene, RoadCamera camera, SceneLight light, NoiseTexture grain, NoiseTexture smooth)
    {
        var row = new RoadRow(picture.Size.Width);
        var pavement = new PavementPainter(scene, grain);
        var lines = new LaneLinePainter(scene, camera, grain);
        var lighting = new GroundLightPainter(scene, light, smooth, picture.Size.Width);
        int y = picture.Size.Height - 1;
        for (; y >= 0 && row.Move(y, camera, scene.Geometry); y--)
        {
            pavement.PaintRow(row);
            lines.PaintRow(row);
            lighting.PaintRow(row);
            Write(picture, row);
        }

        return y + 1;
    }

    /// <summary>Paints nothing but the lane lines, white on black: what the labels are checked against.</summary>
    public static void PaintLinesOnly(Picture picture, RoadScene scene, RoadCamera camera, NoiseTexture grain)
    {
        var row = new RoadRow(picture.Size.Width);
        var lines = new LaneLinePainter(scene, camera, grain);
        for (int y = picture.Size.Height - 1; y >= 0 && row.Move(y, camera, scene.Geometry); y--)
        {
            Array.Clear(row.Red);
            Array.Clear(row.Green);
            Array.Clear(row.Blue);
            lines.PaintRow(row);
            Write(picture, row);
        }
    }

    private static void Write(Picture picture, RoadRow row)
    {
        for (int x = 0; x < row.Width; x++)
        {
            picture.Set(x, row.Y, row.Red[x], row.Green[x], row.Blue[x]);
        }
    }
}
