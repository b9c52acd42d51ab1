using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>What is strange about a data set's images but no error: training goes on, and its user should know.</summary>
public sealed class DatasetRemarks
{
    /// <summary>A camera that looks along a road sees its lanes in the lower part of the picture: labels that all end above this share of the height were made for smaller ones.</summary>
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
                yield return string.Create(CultureInfo.InvariantCulture, $"the labels of {_misfits} of {_frames} frames do not fit their images, the first is this ({_firstMisfit}). {LabelRemedy}");
            }

            foreach (string note in Notes)
            {
                yield return note;
            }
        }
    }

    /// <summary>The remarks that are none about single frames.</summary>
    internal IEnumerable<string> Notes
    {
        get
        {
            if (_lowestFrame is not null && _lowest < LeastReach)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"no label reaches below {100 * _lowest:0} % of its image's height, the lowest is this ({_lowestFrame}). {LabelRemedy}");
            }

            if (_firstTurned is not null)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{_turned} of {_frames} images have an EXIF orientation, which labels do not know, so that they are taken as they are stored; the first is this ({_firstTurned}). {TurnRemedy}");
            }
        }
    }

    /// <summary>What to do about labels that do not fit.</summary>
    internal static string LabelRemedy => "Scale the labels to the images, or take the images that were labelled.";

    /// <summary>What to do about an EXIF orientation.</summary>
    internal static string TurnRemedy => "Save them turned and without it where the labels are of the turned picture.";

    /// <summary>What a frame's label and its image say of their sizes.</summary>
    internal static string Sizes(LabelExtent label, ImageSize image) => string.Create(CultureInfo.InvariantCulture, $"labels reach to {label.Reach}, the image is {image}");

    /// <summary>Looks at a frame.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="image">Its image.</param>
    /// <param name="extent">How its points lie in it.</param>
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
