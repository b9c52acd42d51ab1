namespace Convoy.Lanes.Drawing.Roads;

/// <summary>
/// One row of the picture where it shows the ground: where on the road it is, and the colours of its pixels while they are made.
/// </summary>
/// <param name="width">Pixels in a row.</param>
internal sealed class RoadRow(int width)
{
    public int Width { get; } = width;

    /// <summary>The row's index.</summary>
    public int Y { get; private set; }

    /// <summary>Metres ahead of its middle, its lower edge and its upper edge.</summary>
    public double Distance { get; private set; }

    public double Near { get; private set; }

    public double Far { get; private set; }

    /// <summary>Metres right of the ego lane's centre of the pixel in column 0.</summary>
    public double Left { get; private set; }

    /// <summary>Metres from one pixel to the next.</summary>
    public double Step { get; private set; }

    /// <summary>Metres right of the camera of the ego lane's centre.</summary>
    public double Centre { get; private set; }

    public float[] Red { get; } = new float[width];

    public float[] Green { get; } = new float[width];

    public float[] Blue { get; } = new float[width];

    /// <summary>Puts the row at <paramref name="y"/>; false if it shows no road.</summary>
    public bool Move(int y, RoadCamera camera, RoadGeometry geometry)
    {
        double tangent = camera.TangentOfRow(y);
        double distance = geometry.DistanceAt(tangent, camera.Height);
        if (double.IsNaN(distance))
        {
            return false;
        }

        Y = y;
        Distance = distance;
        Near = geometry.DistanceAt(camera.TangentOfRow(y + 0.5), camera.Height);
        Far = geometry.DistanceAt(camera.TangentOfRow(y - 0.5), camera.Height);
        if (double.IsNaN(Far))
        {
            // The road's last row: above it is sky.
            Far = (2 * distance) - Near;
        }

        Centre = geometry.CentreAt(distance);
        Step = camera.DepthAt(distance, tangent) / camera.FocalX;
        Left = (-camera.CentreX * Step) - Centre;
        return true;
    }

    /// <summary>The column, between pixels too, of a place this many metres right of the ego lane's centre.</summary>
    public double ColumnOf(double lateral) => (lateral - Left) / Step;
}
