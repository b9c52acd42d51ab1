namespace Convoy.Lanes.Data;

/// <summary>One labelled frame of a <see cref="LaneDataset"/>.</summary>
/// <param name="Index">Its place in the data set that holds it, from 0.</param>
/// <param name="ImagePath">The image's absolute path.</param>
/// <param name="Label">
/// Its lanes. A frame of a segmentation list has a mask instead of points: its label then has the image's relative path
/// and no lanes.
/// </param>
/// <param name="MaskPath">
/// The absolute path of the frame's mask, for frames of a segmentation list: pixels other than 0 are lane. Null when the
/// lanes are given as points.
/// </param>
public sealed record LaneFrame(int Index, string ImagePath, TuSimpleLabel Label, string? MaskPath = null);
