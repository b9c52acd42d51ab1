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
/// <param name="Problems">Images and masks that are missing or broken, in the order of the labels.</param>
public sealed record DatasetCheck(
    string Root,
    IReadOnlyList<string> LabelFiles,
    int Frames,
    int Masks,
    int Lanes,
    int EmptyLanes,
    IReadOnlyDictionary<int, int> LanesPerFrame,
    IReadOnlyList<KeyValuePair<ImageSize, int>> ImageSizes,
    IReadOnlyList<DatasetProblem> Problems)
{
    // Small enough that a JPEG is decoded at an eighth: every byte is read, few pixels are made.
    private static readonly ImageSize ProbeSize = new(32, 32);

    /// <summary>Whether every file can be used.</summary>
    public bool IsSound => Problems.Count == 0;

    /// <summary>How many images and masks are absent.</summary>
    public int Missing => Problems.Count(problem => problem.IsMissing);

    /// <summary>How many images and masks are there but can't be decoded.</summary>
    public int Broken => Problems.Count - Missing;

    /// <summary>Reads the labels of a data set and decodes every image and mask that they name, on all cores.</summary>
    /// <param name="directory">The folder, or one label file or list; see <see cref="LaneDataset.Open"/>.</param>
    /// <param name="cancellation">Ends the check.</param>
    /// <exception cref="BadInputException">There is no such folder, it holds no labels, or a label file is damaged.</exception>
    public static DatasetCheck Run(string directory, CancellationToken cancellation = default)
    {
        DatasetLayout layout = DatasetLayout.Read(directory);
        var sizes = new ImageSize?[layout.Frames.Count];
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
                sizes[index] = Probe(reader, frame.ImagePath, problems[index]);
                if (frame.MaskPath is not null)
                {
                    _ = Probe(reader, frame.MaskPath, problems[index]);
                }

                return reader;
            },
            reader => reader.Dispose());

        List<int> lanes = [.. layout.Frames.Select(frame => frame.Label.Lanes.Count(HasPoint))];
        return new DatasetCheck(
            layout.Root,
            layout.LabelFiles,
            layout.Frames.Count,
            layout.Frames.Count(frame => frame.MaskPath is not null),
            lanes.Sum(),
            layout.Frames.Sum(frame => frame.Label.Lanes.Length) - lanes.Sum(),
            new SortedDictionary<int, int>(lanes.CountBy(count => count).ToDictionary()),
            [.. sizes.OfType<ImageSize>().CountBy(size => size).OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key.Width)],
            [.. problems.SelectMany(list => list)]);
    }

    private static bool HasPoint(double[] lane) => Array.Exists(lane, x => x >= 0);

    private static ImageSize? Probe(ImageReader reader, string path, List<DatasetProblem> problems)
    {
        Span<byte> pixels = stackalloc byte[PixelBuffer.ByteCount(ProbeSize)];
        try
        {
            return reader.Read(path, pixels);
        }
        catch (BadInputException error)
        {
            problems.Add(new DatasetProblem(path, !File.Exists(path), error.Message));
            return null;
        }
    }
}
