namespace Convoy.Lanes.Data;

/// <summary>
/// Finds what a folder holds: TuSimple's label files or segmentation lists, and the images and masks that they name.
/// </summary>
/// <remarks>
/// <para>
/// Labels are looked for in the folder itself, then in its <c>train_set</c>, then in its <c>test_set</c>; the first that
/// has some wins, so that opening a benchmark's root never mixes test frames into training. In a folder
/// <c>label_data_*.json</c> goes before <c>test_label*.json</c>, which goes before <c>seg_label/list/*.txt</c> (of which
/// those named <c>test*</c> are read only when there are no others; an image that several lists name counts once). A
/// path of one label file or one list may be given in place of a folder.
/// </para>
/// <para>Frames are ordered by file name (ordinal), then by line.</para>
/// </remarks>
internal sealed class DatasetLayout
{
    private static readonly string[] Parts = ["", "train_set", "test_set"];

    private DatasetLayout(string root, IReadOnlyList<string> labelFiles, IReadOnlyList<LaneFrame> frames)
    {
        Root = root;
        LabelFiles = labelFiles;
        Frames = frames;
    }

    /// <summary>The absolute path of the folder that was opened.</summary>
    public string Root { get; }

    /// <summary>The label files or lists that were read, in the order of the frames.</summary>
    public IReadOnlyList<string> LabelFiles { get; }

    /// <summary>Every labelled frame, whether its image exists or not.</summary>
    public IReadOnlyList<LaneFrame> Frames { get; }

    /// <summary>Reads the labels under a folder, or one label file.</summary>
    /// <exception cref="BadInputException">There is no such folder, it has no labels, or a label file is damaged.</exception>
    public static DatasetLayout Read(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        string path = Path.GetFullPath(directory);
        if (File.Exists(path))
        {
            return OfFile(path);
        }

        if (!Directory.Exists(path))
        {
            throw new BadInputException("the data folder does not exist", directory, "Give a folder in TuSimple's layout, with label_data_*.json and clips/.");
        }

        foreach (string part in Parts)
        {
            string folder = Path.Combine(path, part);
            if (Directory.Exists(folder) && FindLabels(folder) is { Count: > 0 } labels)
            {
                return new DatasetLayout(path, labels, ReadLabels(path, folder, labels));
            }
        }

        foreach (string part in Parts)
        {
            string folder = Path.Combine(path, part);
            if (FindLists(folder) is { Count: > 0 } lists)
            {
                return new DatasetLayout(path, lists, ReadLists(folder, lists));
            }
        }

        throw new BadInputException(
            "the data folder holds no labels",
            directory,
            "Give a folder with label_data_*.json, test_label.json or seg_label/list/*.txt in it, in its train_set or in its test_set.");
    }

    private static DatasetLayout OfFile(string path)
    {
        string folder = Path.GetDirectoryName(path)!;
        if (!path.EndsWith(".txt", StringComparison.OrdinalIgnoreCase))
        {
            return new DatasetLayout(folder, [path], ReadLabels(folder, folder, [path]));
        }

        // A list stands in ROOT/seg_label/list and names its images from ROOT on.
        string root = Path.GetFullPath(Path.Combine(folder, "..", ".."));
        return new DatasetLayout(root, [path], ReadLists(root, [path]));
    }

    private static List<string> FindLabels(string folder) =>
        Files(folder, "label_data_*.json") is { Count: > 0 } training ? training : Files(folder, "test_label*.json");

    private static List<string> FindLists(string folder)
    {
        string lists = Path.Combine(folder, "seg_label", "list");
        if (!Directory.Exists(lists))
        {
            return [];
        }

        List<string> all = Files(lists, "*.txt");
        List<string> training = all.FindAll(path => !Path.GetFileName(path).StartsWith("test", StringComparison.Ordinal));
        return training.Count > 0 ? training : all;
    }

    private static List<string> Files(string folder, string pattern)
    {
        List<string> files = [.. Directory.EnumerateFiles(folder, pattern)];
        files.Sort(string.CompareOrdinal);
        return files;
    }

    private static List<LaneFrame> ReadLabels(string root, string folder, IEnumerable<string> files)
    {
        var frames = new List<LaneFrame>();
        foreach (string file in files)
        {
            foreach (TuSimpleLabel label in TuSimpleLabelFile.Read(file))
            {
                frames.Add(new LaneFrame(frames.Count, FindImage(root, folder, label.RawFile), label));
            }
        }

        return frames;
    }

    private static List<LaneFrame> ReadLists(string folder, IEnumerable<string> files)
    {
        var frames = new List<LaneFrame>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string file in files)
        {
            foreach ((string image, string mask) in SegmentationListFile.Read(file))
            {
                if (seen.Add(image))
                {
                    var label = new TuSimpleLabel(image, [], []);
                    frames.Add(new LaneFrame(frames.Count, InFolder(folder, image), label, InFolder(folder, mask)));
                }
            }
        }

        return frames;
    }

    /// <summary>The image beside its labels, else in the root or in one of the root's parts; where it should be if it is nowhere.</summary>
    private static string FindImage(string root, string folder, string rawFile)
    {
        string expected = InFolder(folder, rawFile);
        if (File.Exists(expected))
        {
            return expected;
        }

        foreach (string part in Parts)
        {
            string candidate = InFolder(Path.Combine(root, part), rawFile);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        return expected;
    }

    private static string InFolder(string folder, string relative) =>
        Path.GetFullPath(Path.Combine(folder, relative.TrimStart('/')));
}
