namespace Convoy.Lanes.Data;

/// <summary>How a frame's points lie in its image.</summary>
/// <param name="Points">Points of its lanes.</param>
/// <param name="Outside">How many of them lie outside the image.</param>
/// <param name="Reach">The smallest image that has room for all of them.</param>
internal readonly record struct LabelExtent(int Points, int Outside, ImageSize Reach)
{
    /// <summary>From this share of a frame's points on outside its image, label and image don't belong together: a lane that leaves the image has a point or two there.</summary>
    public const double MostOutside = 0.1;

    /// <summary>Whether the labels were made for an image of this size.</summary>
    public bool Fits => Outside < MostOutside * Points || Outside == 0;

    /// <summary>Measures a label. A pixel reaches half a pixel beyond its centre.</summary>
    public static LabelExtent Of(TuSimpleLabel label, ImageSize image)
    {
        int points = 0, outside = 0;
        double right = 0, bottom = 0;
        foreach (double[] lane in label.Lanes)
        {
            for (int row = 0; row < lane.Length; row++)
            {
                if (lane[row] >= 0)
                {
                    points++;
                    outside += lane[row] > image.Width - 0.5 || label.HSamples[row] > image.Height - 0.5 || label.HSamples[row] < -0.5 ? 1 : 0;
                    right = Math.Max(right, lane[row]);
                    bottom = Math.Max(bottom, label.HSamples[row]);
                }
            }
        }

        return new LabelExtent(points, outside, new ImageSize(Pixels(right), Pixels(bottom)));
    }

    private static int Pixels(double last) => (int)Math.Min(int.MaxValue, Math.Round(last) + 1);
}
