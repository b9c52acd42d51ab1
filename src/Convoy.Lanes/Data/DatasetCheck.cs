namespace Convoy.Lanes.Data;

/// <summary>What is in a data set and what is wrong with it. Checking reads everything and changes nothing.</summary>
/// <param name="Root">The absolute path of the folder.</param>
/// <param name="LabelFiles">The label files or lists that were read.</param>
/// <param name="Frames">Labelled frames.</param>
/// <param name="Masks">Frames whose lanes are given as a mask file instead of points.</param>
/// <param name="Lanes">Lanes with at least one point.</param>
/// <param name="EmptyLanes">Lanes without any point, which TuSimple's labels have here and there.</param>
/// <param name="LanesPerFrame">How many frames have how many lanes (with a point), by number of lanes.</param>
/// <param name="ImageSizes">How many images have which size, most frequent first.</param>
/// <param name="Points">Points of all lanes whose image can be read.</param>
/// <param name="PointsOutside">How many of them lie outside their image. From a tenth of a frame's points on the frame is a problem.</param>
/// <param name="Repeated">Frames that are labelled again. Where the labels say the same, the frame counts once; else it is a problem.</param>
/// <param name="Turned">Images with an EXIF orientation. Training and scoring take their pixels as they are stored.</param>
/// <param name="Remarks">What is strange about the images but no error, one line each.</param>
/// <param name="Problems">Images and masks that are missing or broken or don't fit their labels, in the order of the labels; then frames whose labels differ.</param>
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
    // Small enough that a JPEG is decoded at an eighth: every byte is read, few pixels are made.
    private static readonly ImageSize ProbeSize = new(32, 32);

    /// <summary>Whether every file can be used.</summary>
    public bool IsSound => Problems.Count == 0;

    /// <summary>How many images and masks are absent.</summary>
    public int Missing => Count(DatasetProblemKind.Missing);

    /// <summary>How many images and masks are there but can't be decoded.</summary>
    public int Broken => Count(DatasetProblemKind.Broken);

    /// <summary>How many images have labels that do not fit them.</summary>
    public int Misfits => Count(DatasetProblemKind.Misfit);

    /// <summary>How many labels say something else than an earlier one of their frame.</summary>
    public int Contradictions => Count(DatasetProblemKind.Repeated);

    /// <summary>Reads the labels of a data set and decodes every image and mask that they name, on all cores.</summary>
    /// <param name="directory">The folder, or one label file or list; see <see cref="LaneDataset.Open"/>.</param>
    /// <param name="cancellation">Ends the check.</param>
    /// <exception cref="BadInputException">There is no such folder, it holds no labels, or a label file is damaged.</exception>
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
                    var labels = LabelExtent.Of(frame.Label, image.Size);
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

    // A frame whose image can be read.
    private readonly record struct SoundFrame(LaneFrame Frame, ImageFacts Image, LabelExtent Labels);
}

/// <summary>A file of a data set that can't be used.</summary>
/// <param name="File">The file's absolute path.</param>
/// <param name="Kind">What keeps it from being used.</param>
/// <param name="Reason">What is wrong and what to do about it.</param>
public sealed record DatasetProblem(string File, DatasetProblemKind Kind, string Reason);

/// <summary>What keeps a file of a data set from being used.</summary>
public enum DatasetProblemKind
{
    /// <summary>It is absent.</summary>
    Missing,

    /// <summary>It is there but can't be decoded.</summary>
    Broken,

    /// <summary>It is an image of which the labels lie outside.</summary>
    Misfit,

    /// <summary>It is an image with two labels that differ.</summary>
    Repeated,
}
