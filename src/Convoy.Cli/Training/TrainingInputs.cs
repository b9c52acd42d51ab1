using Convoy.Lanes.Checkpoints;
using Convoy.Lanes.Data;
using Convoy.Lanes.Models;
using Convoy.Lanes.Training;
using Convoy.Training;

namespace Convoy.Cli.Training;

/// <summary>What a run reads besides its options. Everything that can be wrong with it is found before anything is written.</summary>
internal static class TrainingInputs
{
    /// <summary>Checks data, pretrained weights and the cache's folder. What is strange but no error is said on standard error.</summary>
    /// <param name="options">The run's settings.</param>
    /// <param name="framesToDraw">Frames that will be drawn as training data; null when the data is there.</param>
    /// <returns>How many frames there are, or will be, to train on.</returns>
    /// <exception cref="BadInputException">The first thing that is wrong.</exception>
    public static int Check(TrainingOptions options, int? framesToDraw)
    {
        int frames = CheckData(options, framesToDraw);
        if (options.Pretrained is not null)
        {
            using var model = new LaneDetectionModel(options.Encoder);
            ModelWeights.LoadPretrained(model, options.Pretrained);
        }

        if (options.Cache is not null)
        {
            OutputFolder.RequireWritable(options.Cache);
        }

        return frames;
    }

    private static int CheckData(TrainingOptions options, int? framesToDraw)
    {
        if (framesToDraw is not { } frames)
        {
            TrainingData data = TrainingData.Open(options);
            Warn(data.Verify());
            return data.Training.Count;
        }

        if (options.Val is not null)
        {
            Warn([LaneDataset.Open(options.Val).Verify()]);
        }

        return options.Val is not null || options.ValSplit == 0 ? frames : frames - LaneDataset.HeldOut(frames, options.ValSplit);
    }

    private static void Warn(IEnumerable<DatasetRemarks> remarks)
    {
        foreach (string line in remarks.SelectMany(part => part.Lines))
        {
            ConsoleOutput.Warning(line);
        }
    }
}
