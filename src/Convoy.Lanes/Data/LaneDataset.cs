using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>
/// Labelled frames in a fixed order: by label file (ordinal), then by line. Only labels are read here; <see cref="LaneDataLoader"/> and
/// <see cref="ImageReader"/> read the images.
/// </summary>
public sealed class LaneDataset
{
    private LaneDataset(string root, IReadOnlyList<LaneFrame> frames)
    {
        Root = root;
        Frames = frames;
    }

    /// <summary>The absolute path of the folder that was opened.</summary>
    public string Root { get; }

    /// <summary>The frames; <c>Frames[i].Index</c> is <c>i</c>.</summary>
    public IReadOnlyList<LaneFrame> Frames { get; }

    /// <summary>How many frames there are.</summary>
    public int Count => Frames.Count;

    /// <summary>Whether the lanes of every frame are given as points. Frames of a segmentation list have masks only, for which TuSimple's metric is not defined.</summary>
    public bool HasPoints => Frames.All(frame => frame.MaskPath is null);

    /// <summary>
    /// Opens a data set. Label files are <c>label_data_*.json</c>, else <c>test_label*.json</c>, else the segmentation lists
    /// <c>seg_label/list/*.txt</c>, in the folder, else in its <c>train_set</c>, else in its <c>test_set</c>; images are at <c>raw_file</c>
    /// relative to any of these, or at that path if it is absolute. A frame with two equal labels counts once.
    /// </summary>
    /// <param name="directory">The folder, or one label file or list.</param>
    /// <exception cref="BadInputException">
    /// The folder does not exist or holds no labels, a label file is damaged, two labels of one frame differ, or an image or mask does not
    /// exist.
    /// </exception>
    public static LaneDataset Open(string directory)
    {
        DatasetLayout layout = DatasetLayout.Read(directory);
        if (layout.Repeated.FirstOrDefault(frame => !frame.IsSame) is { } repeated)
        {
            throw new BadInputException(
                "a frame has two labels that differ",
                $"{repeated.ImagePath}: {repeated.First} and {repeated.Again}",
                "Remove the wrong one, or run `convoy data check` to list everything that is wrong with the data.");
        }

        ThrowIfMissing(layout.Frames, frame => frame.ImagePath, "images named by the labels");
        ThrowIfMissing(layout.Frames, frame => frame.MaskPath, "masks named by the list");
        return new LaneDataset(layout.Root, layout.Frames);
    }

    /// <summary>The frames at the given indices, renumbered from 0 in the order given.</summary>
    /// <param name="indices">Indices into <see cref="Frames"/>.</param>
    public LaneDataset Select(IEnumerable<int> indices)
    {
        ArgumentNullException.ThrowIfNull(indices);
        return new LaneDataset(Root, [.. indices.Select((from, to) => Frames[from] with { Index = to })]);
    }

    /// <summary>
    /// Splits off a validation part: the last <paramref name="validationShare"/> of the frames in clip order (see <see cref="ClipOrder"/>),
    /// never a random selection, because neighbouring clips of one drive look alike. Both parts are in clip order.
    /// </summary>
    /// <param name="validationShare">The share of the frames to hold out, between 0 and 1, rounded to whole frames; each part gets at least one.</param>
    /// <exception cref="BadInputException">The share is not between 0 and 1, or there are fewer than two frames.</exception>
    public (LaneDataset Training, LaneDataset Validation) SplitContiguous(double validationShare)
    {
        if (!(validationShare > 0 && validationShare < 1))
        {
            throw new BadInputException(
                "the share of frames to hold out must be between 0 and 1",
                validationShare.ToString(CultureInfo.InvariantCulture),
                "Give a number such as 0.2.");
        }

        if (Count < 2)
        {
            throw new BadInputException("there are too few frames to hold some out", Root, "Give a data set with at least two labelled frames.");
        }

        List<int> order = [.. Frames.OrderBy(frame => frame.Label.RawFile, ClipOrder.Instance).Select(frame => frame.Index)];
        int validation = HeldOut(Count, validationShare);
        return (Select(order.Take(Count - validation)), Select(order.Skip(Count - validation)));
    }

    /// <summary>How many of <paramref name="frames"/> frames (at least 2) <see cref="SplitContiguous"/> holds out.</summary>
    public static int HeldOut(int frames, double validationShare) =>
        Math.Clamp((int)Math.Round(frames * validationShare, MidpointRounding.AwayFromZero), 1, frames - 1);

    /// <summary>
    /// Reads the header of every image and mask, which takes well under a millisecond each, so that a training run can refuse bad files
    /// before it writes anything. Damage further inside a file only shows when it is decoded.
    /// </summary>
    /// <returns>What is unusual about the images without being an error.</returns>
    /// <exception cref="BadInputException">A file does not exist, is empty or is not an image; the message names the first.</exception>
    public DatasetRemarks Verify()
    {
        var remarks = new DatasetRemarks();
        foreach (LaneFrame frame in Frames)
        {
            ImageFacts image = ImageHeader.Inspect(frame.ImagePath);
            remarks.Add(frame, image, LabelExtent.Measure(frame.Label, image.Size));
            if (frame.MaskPath is not null)
            {
                _ = ImageHeader.Read(frame.MaskPath);
            }
        }

        return remarks;
    }

    private static void ThrowIfMissing(IReadOnlyList<LaneFrame> frames, Func<LaneFrame, string?> path, string files)
    {
        List<string> missing = [.. frames.Select(path).OfType<string>().Where(file => !File.Exists(file))];
        if (missing.Count > 0)
        {
            throw new BadInputException(
                string.Create(CultureInfo.InvariantCulture, $"{missing.Count} of {frames.Count} {files} {(missing.Count == 1 ? "is missing" : "are missing, the first one being")}"),
                missing[0],
                MissingFile.Remedy(missing[0], "Restore the files, or run `convoy data check` to list everything that is wrong with the data."));
        }
    }
}

/// <summary>One labelled frame of a <see cref="LaneDataset"/>.</summary>
/// <param name="Index">Its index in its data set, from 0.</param>
/// <param name="ImagePath">The image's absolute path.</param>
/// <param name="Label">
/// Its lanes. A frame of a segmentation list has a mask instead of points: its label has the image's relative path and no lanes.
/// </param>
/// <param name="MaskPath">
/// The absolute path of the frame's mask, for frames of a segmentation list: pixels other than 0 are lane. Null when the lanes are given as
/// points.
/// </param>
public sealed record LaneFrame(int Index, string ImagePath, TuSimpleLabel Label, string? MaskPath = null);

/// <summary>
/// The order in which the clips of a drive were recorded: paths are compared with runs of digits taken as numbers, so that clip
/// <c>600</c> comes before clip <c>1200</c>. Neighbours in this order look alike, which is why a validation part must be a contiguous range
/// of it.
/// </summary>
public sealed class ClipOrder : IComparer<string>
{
    /// <summary>The one instance.</summary>
    public static ClipOrder Instance { get; } = new();

    private ClipOrder()
    {
    }

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        if (x is null || y is null)
        {
            return string.CompareOrdinal(x, y);
        }

        int i = 0;
        int j = 0;
        while (i < x.Length && j < y.Length)
        {
            int order = char.IsAsciiDigit(x[i]) && char.IsAsciiDigit(y[j])
                ? CompareNumbers(DigitsAt(x, ref i), DigitsAt(y, ref j))
                : x[i++].CompareTo(y[j++]);
            if (order != 0)
            {
                return order;
            }
        }

        int rest = (x.Length - i).CompareTo(y.Length - j);
        return rest != 0 ? rest : string.CompareOrdinal(x, y);
    }

    private static ReadOnlySpan<char> DigitsAt(string text, ref int position)
    {
        int start = position;
        while (position < text.Length && char.IsAsciiDigit(text[position]))
        {
            position++;
        }

        return text.AsSpan(start, position - start);
    }

    private static int CompareNumbers(ReadOnlySpan<char> a, ReadOnlySpan<char> b)
    {
        a = a.TrimStart('0');
        b = b.TrimStart('0');
        return a.Length != b.Length ? a.Length.CompareTo(b.Length) : a.SequenceCompareTo(b);
    }
}
