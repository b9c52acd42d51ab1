using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>
/// Finds what a folder holds: TuSimple's label files or segmentation lists, and the images and masks that they refer to.
/// </summary>
/// <remarks>
/// <para>
/// Labels are looked for in the folder itself, then in its <c>train_set</c>, then in its <c>test_set</c>; the first that has any wins, so
/// that opening the benchmark's root never mixes test frames into training. Within a folder <c>label_data_*.json</c> takes precedence over
/// <c>test_label*.json</c>, and both over <c>seg_label/list/*.txt</c> (of which those named <c>test*</c> are read only when there are no
/// others; an image in several lists counts once). The path of one label file or one list may be given instead of a folder.
/// </para>
/// <para>
/// Images and masks are looked for beside their labels, in the root and in its two parts; an absolute path that exists is accepted as
/// well.
/// </para>
/// <para>Frames are ordered by file name (ordinal), then by line. A frame labelled twice counts once, see <see cref="FrameCollection"/>.</para>
/// </remarks>
internal sealed class DatasetLayout
{
    private static readonly string[] Parts = ["", "train_set", "test_set"];

    private DatasetLayout(string root, IReadOnlyList<string> labelFiles, FrameCollection frames)
    {
        Root = root;
        LabelFiles = labelFiles;
        Frames = frames.Frames;
        Repeated = frames.Repeated;
    }

    /// <summary>The absolute path of the folder that was opened.</summary>
    public string Root { get; }

    /// <summary>The label files or lists read, in the order of the frames.</summary>
    public IReadOnlyList<string> LabelFiles { get; }

    /// <summary>Every labelled frame, whether its image exists or not.</summary>
    public IReadOnlyList<LaneFrame> Frames { get; }

    /// <summary>Frames labelled more than once.</summary>
    public IReadOnlyList<RepeatedFrame> Repeated { get; }

    /// <summary>Reads the labels under a folder, or one label file.</summary>
    /// <exception cref="BadInputException">The folder does not exist, has no labels, or a label file is damaged.</exception>
    public static DatasetLayout Read(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        if (directory.Contains('\0'))
        {
            throw new BadInputException("the path of the data folder contains the character U+0000", directory.Replace("\0", "\\u0000", StringComparison.Ordinal), "Give the path of a folder.");
        }

        string path = Path.GetFullPath(directory);
        if (File.Exists(path))
        {
            return ReadFile(path);
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
                return new DatasetLayout(path, lists, ReadLists(path, folder, lists));
            }
        }

        throw new BadInputException(
            "the data folder holds no labels",
            directory,
            "Give a folder with label_data_*.json, test_label.json or seg_label/list/*.txt in it, in its train_set or in its test_set.");
    }

    private static DatasetLayout ReadFile(string path)
    {
        string folder = Path.GetDirectoryName(path)!;
        if (!path.EndsWith(".txt", StringComparison.OrdinalIgnoreCase))
        {
            return new DatasetLayout(folder, [path], ReadLabels(folder, folder, [path]));
        }

        // A list lies in ROOT/seg_label/list and names its images relative to ROOT.
        string root = Path.GetFullPath(Path.Combine(folder, "..", ".."));
        return new DatasetLayout(root, [path], ReadLists(root, root, [path]));
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

    private static FrameCollection ReadLabels(string root, string folder, IEnumerable<string> files)
    {
        var frames = new FrameCollection();
        foreach (string file in files)
        {
            foreach ((TuSimpleLabel label, int line) in TuSimpleLabelFile.ReadLines(file))
            {
                frames.Add(Find(root, folder, label.RawFile), label, maskPath: null, file, line);
            }
        }

        return frames;
    }

    private static FrameCollection ReadLists(string root, string folder, IEnumerable<string> files)
    {
        var frames = new FrameCollection();
        foreach (string file in files)
        {
            foreach ((string image, string mask, int line) in SegmentationListFile.Read(file))
            {
                frames.Add(Find(root, folder, image), new TuSimpleLabel(image.TrimStart('/'), [], []), Find(root, folder, mask), file, line);
            }
        }

        return frames;
    }

    /// <summary>The file beside its labels, else in the root or one of its parts, else at the absolute path; where it should be if it does not exist.</summary>
    private static string Find(string root, string folder, string name)
    {
        string expected = InFolder(folder, name);
        if (File.Exists(expected))
        {
            return expected;
        }

        foreach (string part in Parts)
        {
            string candidate = InFolder(Path.Combine(root, part), name);
            if (File.Exists(candidate))
            {
                return candidate;
            }
        }

        return IsAbsolute(name) ? Path.GetFullPath(name) : expected;
    }

    // TuSimple's lists write /clips/... for what is below the root: such a path is absolute only if it exists, or at least its first folder does.
    private static bool IsAbsolute(string name) =>
        Path.IsPathFullyQualified(name) && (File.Exists(name) || (name.IndexOf('/', 1) is > 0 and int end && Directory.Exists(name[..end])));

    private static string InFolder(string folder, string relative) =>
        Path.GetFullPath(Path.Combine(folder, relative.TrimStart('/')));
}

/// <summary>Frames in the order of their labels, each image once: the first of several labels is kept, and the others are reported.</summary>
internal sealed class FrameCollection
{
    private readonly List<LaneFrame> _frames = [];
    private readonly List<RepeatedFrame> _repeated = [];
    private readonly Dictionary<string, (int Index, string File, int Line)> _known = new(StringComparer.Ordinal);

    /// <summary>The frames.</summary>
    public IReadOnlyList<LaneFrame> Frames => _frames;

    /// <summary>The images labelled more than once.</summary>
    public IReadOnlyList<RepeatedFrame> Repeated => _repeated;

    /// <summary>Adds a labelled frame.</summary>
    /// <param name="imagePath">The image's absolute path.</param>
    /// <param name="label">Its lanes.</param>
    /// <param name="maskPath">Its mask's absolute path, for a frame of a segmentation list.</param>
    /// <param name="file">The file with the label.</param>
    /// <param name="line">The label's line in it.</param>
    public void Add(string imagePath, TuSimpleLabel label, string? maskPath, string file, int line)
    {
        if (_known.TryAdd(imagePath, (_frames.Count, file, line)))
        {
            _frames.Add(new LaneFrame(_frames.Count, imagePath, label, maskPath));
            return;
        }

        (int index, string firstFile, int firstLine) = _known[imagePath];
        bool same = maskPath == _frames[index].MaskPath && AreEqual(label, _frames[index].Label);

        // Lists overlap by design: train_val.txt contains train.txt.
        if (!same || maskPath is null || file == firstFile)
        {
            _repeated.Add(new RepeatedFrame(imagePath, Place(firstFile, firstLine), Place(file, line), same));
        }
    }

    private static bool AreEqual(TuSimpleLabel one, TuSimpleLabel other) =>
        one.HSamples.AsSpan().SequenceEqual(other.HSamples)
        && one.Lanes.Length == other.Lanes.Length
        && one.Lanes.Zip(other.Lanes).All(pair => pair.First.AsSpan().SequenceEqual(pair.Second));

    private static string Place(string file, int line) => string.Create(CultureInfo.InvariantCulture, $"{file}, line {line}");
}
