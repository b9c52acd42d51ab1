using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Training.Options;

namespace Convoy.Lanes.Training;

/// <summary>The data of <c>--data synthetic</c>, and the settings that let a first run on it end within minutes.</summary>
public static class DrawnData
{
    /// <summary>What <c>--data</c> calls it.</summary>
    public const string Name = "synthetic";

    private const string FolderName = "data";

    private static readonly SyntheticOptions Options = new() { Frames = 120, Size = new ImageSize(640, 360) };

    /// <summary>How many frames a training run draws.</summary>
    public static int Frames => Options.Frames;

    /// <summary>Where a run or study in <paramref name="directory"/> keeps what it draws.</summary>
    public static string Folder(string directory) => Path.Combine(directory, FolderName);

    /// <summary>
    /// The defaults of a first look: smaller images and fewer epochs than the study's, so that it takes minutes on two
    /// cores. Every one of them yields to the command line.
    /// </summary>
    public static (TrainingOptions Training, LaneOptions Task) Shortened(TrainingOptions training, LaneOptions task)
    {
        ArgumentNullException.ThrowIfNull(training);
        ArgumentNullException.ThrowIfNull(task);
        return (training with { Epochs = 8, Lr = 0.001, Accumulate = 1 }, task with { ImageSize = new ImageSize(256, 128), LineWidth = 2.5 });
    }

    /// <summary>Draws the data into <paramref name="directory"/>; the same seed draws the same.</summary>
    public static IReadOnlyList<TuSimpleLabel> Draw(string directory, int frames, long seed, IProgress<int>? progress, CancellationToken cancellation) =>
        SyntheticDataset.Write(directory, Options with { Frames = frames, Seed = seed }, progress, cancellation);
}
