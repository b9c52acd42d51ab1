using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>What is unusual about the images of a data set without being an error: training goes on, but the user should know.</summary>
public sealed class DatasetRemarks
{
    /// <summary>A camera that looks along a road sees the lanes in the lower part of the picture: labels that all end above this share of the height were made for smaller images.</summary>
    private const double LeastReach = 0.75;

    private int _frames;
    private int _misfits;
    private string? _firstMisfit;
    private int _turned;
    private string? _firstTurned;
    private double _lowest;
    private string? _lowestFrame;

    /// <summary>The remarks, one line each: <c>WHAT (value). WHAT TO DO</c>.</summary>
    public IEnumerable<string> Lines
    {
        get
        {
            if (_firstMisfit is not null)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"the labels of {_misfits} of {_frames} frames do not fit their images, the first one being ({_firstMisfit}). {LabelRemedy}");
            }

            foreach (string note in Notes)
            {
                yield return note;
            }
        }
    }

    /// <summary>The remarks that concern the data set as a whole.</summary>
    internal IEnumerable<string> Notes
    {
        get
        {
            if (_lowestFrame is not null && _lowest < LeastReach)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"no label reaches below {100 * _lowest:0} % of the height of its image, the lowest one being ({_lowestFrame}). {LabelRemedy}");
            }

            if (_firstTurned is not null)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{_turned} of {_frames} images {(_turned == 1 ? "has" : "have")} an EXIF orientation, which labels ignore: pixels are used as they are stored; the first one is ({_firstTurned}). {TurnRemedy}");
            }
        }
    }

    /// <summary>What to do about labels that do not fit.</summary>
    internal static string LabelRemedy => "Scale the labels to the images, or use the images that were labelled.";

    /// <summary>What to do about an EXIF orientation.</summary>
    internal static string TurnRemedy => "If the labels refer to the turned picture, save the images turned and without it.";

    /// <summary>The sizes of a frame's label and its image.</summary>
    internal static string Sizes(LabelExtent label, ImageSize image) => string.Create(CultureInfo.InvariantCulture, $"labels reach to {label.Reach}, the image is {image}");

    /// <summary>Takes a frame into account.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="image">Its image.</param>
    /// <param name="extent">How far its points reach in it.</param>
    internal void Add(LaneFrame frame, ImageFacts image, LabelExtent extent)
    {
        _frames++;
        if (!extent.Fits)
        {
            _misfits++;
            _firstMisfit ??= $"{frame.ImagePath}: {Sizes(extent, image.Size)}";
        }

        double reach = (double)extent.Reach.Height / image.Size.Height;
        if (extent.Points > 0 && reach > _lowest)
        {
            _lowest = reach;
            _lowestFrame = $"{frame.ImagePath}: {Sizes(extent, image.Size)}";
        }

        if (image.IsTurned)
        {
            _turned++;
            _firstTurned ??= frame.ImagePath;
        }
    }
}

/// <summary>How far a frame's points reach in its image.</summary>
/// <param name="Points">Points of all its lanes.</param>
/// <param name="Outside">How many of them lie outside the image.</param>
/// <param name="Reach">The smallest image that has room for all of them.</param>
internal readonly record struct LabelExtent(int Points, int Outside, ImageSize Reach)
{
    /// <summary>With this share or more of its points outside, a label does not belong to its image: a lane that leaves the image has only a point or two there.</summary>
    public const double MostOutside = 0.1;

    /// <summary>Whether the labels were made for an image of this size.</summary>
    public bool Fits => Outside < MostOutside * Points || Outside == 0;

    /// <summary>Measures a label. A pixel reaches half a pixel beyond its centre.</summary>
    public static LabelExtent Measure(TuSimpleLabel label, ImageSize image)
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
