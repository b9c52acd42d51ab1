namespace Convoy.Lanes.Data;

/// <summary>One line of a TuSimple label file: the lanes of one frame.</summary>
/// <param name="RawFile">The image, relative to the data set's root, with forward slashes: <c>clips/0313-1/6040/20.jpg</c>.</param>
/// <param name="Lanes">
/// For each lane its x in pixels of the original image at each row of <paramref name="HSamples"/>;
/// <see cref="NoPoint"/> (any negative number) where the lane has no point.
/// </param>
/// <param name="HSamples">The rows, y in pixels of the original image, ascending: files that list them from the bottom up are turned round when they are read.</param>
public sealed record TuSimpleLabel(string RawFile, double[][] Lanes, double[] HSamples)
{
    /// <summary>The x that TuSimple writes where a lane has no point in a row.</summary>
    public const double NoPoint = -2;

    /// <summary>Whether the file lists the rows from the bottom up, and with them the x of lanes, also of predictions for this frame.</summary>
    public bool RowsDescend { get; init; }
}
