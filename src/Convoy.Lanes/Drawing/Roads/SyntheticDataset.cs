using System.Globalization;
using Convoy.Lanes.Data;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>
/// Draws data sets: motorways as seen by a dash-cam, with exact labels, in TuSimple's layout and label format. What a frame shows depends
/// on the seed and the frame's index alone.
/// </summary>
public static class SyntheticDataset
{
    /// <summary>The name of the label file in the data set.</summary>
    public const string LabelFileName = "label_data_synth.json";

    /// <summary>
    /// Writes <c>DIRECTORY/label_data_synth.json</c> and <c>DIRECTORY/clips/synth/NNNNNN/20.jpg</c>, drawing on every core. The data set
    /// appears under its name once it is complete: until then it grows in a folder beside it, which a failure or cancellation removes.
    /// </summary>
    /// <param name="directory">The folder of the data set; absent or empty.</param>
    /// <param name="options">Number of frames, seed and size.</param>
    /// <param name="progress">Receives the number of frames drawn so far, on any thread.</param>
    /// <param name="cancellation">Stops drawing; nothing is left behind.</param>
    /// <returns>The labels, in the order of the frames.</returns>
    /// <exception cref="BadInputException">The directory is not empty, is a file or cannot be written; or an option is out of range.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was raised.</exception>
    public static IReadOnlyList<TuSimpleLabel> Write(
        string directory, SyntheticOptions options, IProgress<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentNullException.ThrowIfNull(options);
        RequireInRange(options);
        string target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        RequireAbsentOrEmpty(target);

        string unfinished = $"{target}.unfinished-{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}";
        Create(unfinished);
        try
        {
            TuSimpleLabel[] labels = DrawFrames(unfinished, options, progress, cancellation);
            TuSimpleLabelFile.Write(Path.Combine(unfinished, LabelFileName), labels);
            if (Directory.Exists(target))
            {
                // Fails, as it should, when something has appeared there in the meantime.
                Directory.Delete(target);
            }

            Directory.Move(unfinished, target);
            return labels;
        }
        catch
        {
            Directory.Delete(unfinished, recursive: true);
            throw;
        }
    }

    private static TuSimpleLabel[] DrawFrames(
        string root, SyntheticOptions options, IProgress<int>? progress, CancellationToken cancellation)
    {
        var painter = new RoadPainter();
        var labels = new TuSimpleLabel[options.Frames];
        int drawn = 0;
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellation };
        try
        {
            Parallel.For(0, options.Frames, parallel, index =>
            {
                RoadScene scene = RoadSceneSampler.Sample(options.Seed, index);
                string rawFile = string.Create(CultureInfo.InvariantCulture, $"clips/synth/{index:D6}/20.jpg");
                labels[index] = Rounded(LaneLabeller.Label(scene, options.Size, rawFile));
                string path = Path.Combine(root, rawFile);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                using Picture picture = painter.Paint(scene, options.Size);
                File.WriteAllBytes(path, picture.ToJpeg(options.JpegQuality));
                progress?.Report(Interlocked.Increment(ref drawn));
            });
        }
        catch (AggregateException errors) when (errors.InnerExceptions.All(error => error is IOException or UnauthorizedAccessException))
        {
            // A full disk fails on every thread at once: one of these errors is enough.
            throw new IOException($"the drawn frames cannot be written: {errors.InnerExceptions[0].Message}", errors);
        }

        return labels;
    }

    /// <summary>The label in whole pixels, as TuSimple writes them.</summary>
    private static TuSimpleLabel Rounded(TuSimpleLabel label) =>
        label with { Lanes = Array.ConvertAll(label.Lanes, lane => Array.ConvertAll(lane, x => Math.Round(x))) };

    private static void RequireInRange(SyntheticOptions options)
    {
        if (options.Frames is < 1 or > SyntheticOptions.MostFrames)
        {
            throw new BadInputException(
                "the number of frames is out of range",
                options.Frames.ToString(CultureInfo.InvariantCulture),
                $"Give a number from 1 to {SyntheticOptions.MostFrames.ToString(CultureInfo.InvariantCulture)}.");
        }

        if (options.JpegQuality is < 1 or > 100)
        {
            throw new BadInputException(
                "the JPEG quality is out of range",
                options.JpegQuality.ToString(CultureInfo.InvariantCulture),
                "Give a number from 1 to 100.");
        }
    }

    private static void RequireAbsentOrEmpty(string target)
    {
        if (File.Exists(target))
        {
            throw new BadInputException("the output is a file", target, "Give a directory that is absent or empty.");
        }

        try
        {
            if (Directory.Exists(target) && Directory.EnumerateFileSystemEntries(target).Any())
            {
                throw new BadInputException("the output directory is not empty", target, "Give a directory that is absent or empty.");
            }
        }
        catch (UnauthorizedAccessException error)
        {
            throw new BadInputException("the output directory cannot be read", target, "Give a directory that you may write to.", error);
        }
    }

    private static void Create(string unfinished)
    {
        try
        {
            Directory.CreateDirectory(unfinished);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException("the output directory cannot be created", unfinished, "Give a directory that you may write to.", error);
        }
    }
}

/// <summary>How a drawn data set is made.</summary>
public sealed record SyntheticOptions
{
    /// <summary>The largest number of frames.</summary>
    public const int MostFrames = 100_000;

    /// <summary>Number of frames, 1 to <see cref="MostFrames"/>; 64 by default.</summary>
    public int Frames { get; init; } = 64;

    /// <summary>Determines every picture and label; 0 by default. Frame i is the same however many frames the data set has.</summary>
    public long Seed { get; init; }

    /// <summary>Size of the pictures; 1280x720 by default, as TuSimple's. Other sizes show the same scenes, stretched to fit.</summary>
    public ImageSize Size { get; init; } = ImageSize.TuSimple;

    /// <summary>Quality of the JPEG files, 1 to 100; 90 by default.</summary>
    public int JpegQuality { get; init; } = 90;
}
