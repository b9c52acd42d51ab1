using Convoy.Lanes.Data;
using Convoy.Training.Options;

namespace Convoy.Lanes.Training;

/// <summary>The frames that a run trains on and those that it is scored on.</summary>
/// <param name="Training">Frames to train on.</param>
/// <param name="Validation">Frames held out, or null when none are.</param>
public sealed record LaneData(LaneDataset Training, LaneDataset? Validation)
{
    /// <summary>Opens the data that <paramref name="options"/> name. Every process of a run gets the same frames in the same order.</summary>
    /// <exception cref="BadInputException">The data is missing or damaged.</exception>
    public static LaneData Open(LaneOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        LaneDataset all = LaneDataset.Open(options.Data);
        if (options.Val is not null)
        {
            return new LaneData(all, LaneDataset.Open(options.Val));
        }

        if (options.ValSplit == 0)
        {
            return new LaneData(all, null);
        }

        (LaneDataset training, LaneDataset validation) = all.SplitContiguous(options.ValSplit);
        return new LaneData(training, validation);
    }

    /// <summary>How each rank of a run prepares its training frames.</summary>
    /// <param name="options">The task's settings.</param>
    /// <param name="training">The run's settings.</param>
    /// <param name="batchSize">Samples of a step on the rank.</param>
    public static LaneLoaderOptions LoaderOptions(LaneOptions options, TrainingOptions training, int batchSize)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(training);
        return new LaneLoaderOptions
        {
            ImageSize = options.ImageSize,
            BatchSize = batchSize,
            Workers = training.Workers,
            LineWidth = options.LineWidth,
            Augmentation = options.Augment ? AugmentationOptions.Default : AugmentationOptions.None,
            Seed = training.Seed,
            CacheDirectory = options.Cache,
            ChannelsLast = training.ChannelsLast,
            DropLast = true,
        };
    }

    /// <summary>Reads the header of every image.</summary>
    /// <returns>What is strange about the frames to train on, then about those held out, but no error.</returns>
    /// <exception cref="BadInputException">The first image that is no image.</exception>
    public IReadOnlyList<DatasetRemarks> Verify() => Validation is null ? [Training.Verify()] : [Training.Verify(), Validation.Verify()];
}
