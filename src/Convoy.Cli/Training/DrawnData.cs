using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Lanes.Training;

namespace Convoy.Cli.Training;

/// <summary>The data of <c>--data synthetic</c>, and the settings that let a first run on it end within minutes.</summary>
internal static class DrawnData
{
    /// <summary>What <c>--data</c> calls it.</summary>
    public const string Name = "synthetic";

    private static readonly SyntheticOptions Data = new() { Frames = 120, Size = new ImageSize(640, 360) };

    /// <summary>How many frames a run draws.</summary>
    public static int Frames => Data.Frames;

    /// <summary>
    /// The defaults of a first look: smaller images and fewer epochs than the study's, so that it takes minutes on two
    /// cores. Every one of them yields to the command line.
    /// </summary>
    public static TrainingOptions Shortened(TrainingOptions defaults) => defaults with
    {
        ImageSize = new ImageSize(256, 128),
        LineWidth = 2.5,
        Epochs = 8,
        Lr = 0.001,
        Accumulate = 1,
    };

    /// <summary>Draws the data into <paramref name="directory"/>; the same seed draws the same.</summary>
    public static IReadOnlyList<TuSimpleLabel> Draw(string directory, int frames, long seed, IProgress<int>? progress, CancellationToken cancellation) =>
        SyntheticDataset.Write(directory, Data with { Frames = frames, Seed = seed }, progress, cancellation);
}
