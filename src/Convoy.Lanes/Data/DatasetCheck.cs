namespace Convoy.Lanes.Data;

/// <summary>What a data set holds and what is wrong with it. The check reads everything and changes nothing.</summary>
/// <param name="Root">The absolute path of the folder.</param>
/// <param name="LabelFiles">The label files or lists read.</param>
/// <param name="Frames">Labelled frames.</param>
/// <param name="Masks">Frames whose lanes are given by a mask file instead of points.</param>
/// <param name="Lanes">Lanes with at least one point.</param>
/// <param name="EmptyLanes">Lanes without any point, which TuSimple's labels contain occasionally.</param>
/// <param name="LanesPerFrame">How many frames have how many lanes (with a point), by number of lanes.</param>
/// <param name="ImageSizes">How many images have which size, the most frequent first.</param>
/// <param name="Points">Points of all lanes whose image is readable.</param>
/// <param name="PointsOutside">How many of them lie outside their image. A frame with a tenth or more of its points outside is a problem.</param>
/// <param name="Repeated">Frames labelled more than once. Where the labels agree, the frame counts once; else it is a problem.</param>
/// <param name="Turned">Images with an EXIF orientation. Training and scoring use their pixels as they are stored.</param>
/// <param name="Remarks">What is unusual about the images without being an error, one line each.</param>
/// <param name="Problems">Images and masks that are missing, broken or do not fit their labels, in the order of the labels; then frames whose labels differ.</param>
public sealed record DatasetCheck(
    string Root,
    IReadOnlyList<string> LabelFiles,
    int Frames,
    int Masks,
    int Lanes,
    int EmptyLanes,
    IReadOnlyDictionary<int, int> LanesPerFrame,
    IReadOnlyList<KeyValuePair<ImageSize, int>> ImageSizes,
    int Points,
    int PointsOutside,
    IReadOnlyList<RepeatedFrame> Repeated,
    IReadOnlyList<string> Turned,
    IReadOnlyList<string> Remarks,
    IReadOnlyList<DatasetProblem> Problems)
{
    // Small enough for a JPEG to be decoded at an eighth of its size: every byte is read, few pixels are computed.
    private static readonly ImageSize ProbeSize = new(32, 32);

    /// <summary>Whether every file is usable.</summary>
    public bool IsSound => Problems.Count == 0;

    /// <summary>How many images and masks are absent.</summary>
    public int Missing => Count(DatasetProblemKind.Missing);

    /// <summary>How many images and masks exist but cannot be decoded.</summary>
    public int Broken => Count(DatasetProblemKind.Broken);

    /// <summary>How many images have labels that do not fit them.</summary>
    public int Misfits => Count(DatasetProblemKind.Misfit);

    /// <summary>How many labels differ from an earlier one of the same frame.</summary>
    public int Contradictions => Count(DatasetProblemKind.Repeated);

    /// <summary>Reads the labels of a data set and decodes every image and mask that they refer to, on all cores.</summary>
    /// <param name="directory">The folder, or one label file or list; see <see cref="LaneDataset.Open"/>.</param>
    /// <param name="cancellation">Stops the check.</param>
    /// <exception cref="BadInputException">The folder does not exist, holds no labels, or a label file is damaged.</exception>
    public static DatasetCheck Run(string directory, CancellationToken cancellation = default)
    {
        DatasetLayout layout = DatasetLayout.Read(directory);
        var sound = new SoundFrame?[layout.Frames.Count];
        var problems = new List<DatasetProblem>[layout.Frames.Count];
        Parallel.For(
            0,
            layout.Frames.Count,
            new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
            () => new ImageReader(ProbeSize),
            (index, state, reader) =>
            {
                LaneFrame frame = layout.Frames[index];
                problems[index] = [];
                if (Probe(reader, frame.ImagePath, problems[index]) is { } image)
                {
                    var labels = LabelExtent.Measure(frame.Label, image.Size);
                    sound[index] = new SoundFrame(frame, image, labels);
                    if (!labels.Fits)
                    {
                        problems[index].Add(new DatasetProblem(
                            frame.ImagePath,
                            DatasetProblemKind.Misfit,
                            $"the labels do not fit their image ({frame.ImagePath}: {DatasetRemarks.Sizes(labels, image.Size)}). {DatasetRemarks.LabelRemedy}"));
                    }
                }

                if (frame.MaskPath is not null)
                {
                    _ = Probe(reader, frame.MaskPath, problems[index]);
                }

                return reader;
            },
            reader => reader.Dispose());
        return Summarize(layout, [.. sound.OfType<SoundFrame>()], [.. problems.SelectMany(list => list), .. layout.Repeated.Where(frame => !frame.IsSame).Select(Contradiction)]);
    }

    private static DatasetCheck Summarize(DatasetLayout layout, IReadOnlyList<SoundFrame> sound, IReadOnlyList<DatasetProblem> problems)
    {
        List<int> lanes = [.. layout.Frames.Select(frame => frame.Label.Lanes.Count(HasPoint))];
        var remarks = new DatasetRemarks();
        foreach ((LaneFrame frame, ImageFacts image, LabelExtent labels) in sound)
        {
            remarks.Add(frame, image, labels);
        }

        return new DatasetCheck(
            layout.Root,
            layout.LabelFiles,
            layout.Frames.Count,
            layout.Frames.Count(frame => frame.MaskPath is not null),
            lanes.Sum(),
            layout.Frames.Sum(frame => frame.Label.Lanes.Length) - lanes.Sum(),
            new SortedDictionary<int, int>(lanes.CountBy(count => count).ToDictionary()),
            [.. sound.CountBy(found => found.Image.Size).OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key.Width)],
            sound.Sum(found => found.Labels.Points),
            sound.Sum(found => found.Labels.Outside),
            layout.Repeated,
            [.. sound.Where(found => found.Image.IsTurned).Select(found => found.Frame.ImagePath)],
            [.. remarks.Notes],
            problems);
    }

    private static DatasetProblem Contradiction(RepeatedFrame frame) => new(
        frame.ImagePath,
        DatasetProblemKind.Repeated,
        $"a frame has two labels that differ ({frame.ImagePath}: {frame.First} and {frame.Again}). Remove the wrong one.");

    private static bool HasPoint(double[] lane) => Array.Exists(lane, x => x >= 0);

    private static ImageFacts? Probe(ImageReader reader, string path, List<DatasetProblem> problems)
    {
        Span<byte> pixels = stackalloc byte[PixelBuffer.ByteCount(ProbeSize)];
        try
        {
            _ = reader.Read(path, pixels);
            return ImageHeader.Inspect(path);
        }
        catch (BadInputException error)
        {
            problems.Add(new DatasetProblem(path, File.Exists(path) ? DatasetProblemKind.Broken : DatasetProblemKind.Missing, error.Message));
            return null;
        }
    }

    private int Count(DatasetProblemKind kind) => Problems.Count(problem => problem.Kind == kind);

    // A frame whose image is readable.
    private readonly record struct SoundFrame(LaneFrame Frame, ImageFacts Image, LabelExtent Labels);
}

/// <summary>A file of a data set that is unusable.</summary>
/// <param name="File">The file's absolute path.</param>
/// <param name="Kind">Why it is unusable.</param>
/// <param name="Reason">What is wrong and what to do about it.</param>
public sealed record DatasetProblem(string File, DatasetProblemKind Kind, string Reason);

/// <summary>Why a file of a data set is unusable.</summary>
public enum DatasetProblemKind
{
    /// <summary>It does not exist.</summary>
    Missing,

    /// <summary>It exists but cannot be decoded.</summary>
    Broken,

    /// <summary>It is an image whose labels lie outside it.</summary>
    Misfit,

    /// <summary>It is an image with two labels that differ.</summary>
    Repeated,
}

/// <summary>A frame labelled twice.</summary>
/// <param name="ImagePath">The image's absolute path.</param>
/// <param name="First">Where its first label is: <c>FILE, line N</c>.</param>
/// <param name="Again">Where the other one is.</param>
/// <param name="IsSame">Whether the two agree, so that the second can be ignored; else there is no telling which one is right.</param>
public sealed record RepeatedFrame(string ImagePath, string First, string Again, bool IsSame);
