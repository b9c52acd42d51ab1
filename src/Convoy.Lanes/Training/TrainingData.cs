using Convoy.Lanes.Data;

namespace Convoy.Lanes.Training;

/// <summary>The frames that a run trains on and those that it is scored on.</summary>
/// <param name="Training">Frames to train on.</param>
/// <param name="Validation">Frames held out, or null when none are.</param>
public sealed record TrainingData(LaneDataset Training, LaneDataset? Validation)
{
    /// <summary>Opens the data that <paramref name="options"/> name. Every process of a run gets the same frames in the same order.</summary>
    /// <exception cref="BadInputException">The data is missing or damaged.</exception>
    public static TrainingData Open(TrainingOptions options)
    {
        LaneDataset all = LaneDataset.Open(options.Data);
        if (options.Val is not null)
        {
            return new TrainingData(all, LaneDataset.Open(options.Val));
        }

        if (options.ValSplit == 0)
        {
            return new TrainingData(all, null);
        }

        (LaneDataset training, LaneDataset validation) = all.SplitContiguous(options.ValSplit);
        return new TrainingData(training, validation);
    }

    /// <summary>Opens the data that <paramref name="options"/> name, with this rank's loader on its training frames.</summary>
    /// <param name="options">The run's settings.</param>
    /// <param name="time">The clock that measures waiting.</param>
    /// <param name="stop">Ends the building of the frame cache.</param>
    /// <exception cref="BadInputException">The data is missing or damaged.</exception>
    public static LaneDataLoader Load(TrainingOptions options, TimeProvider time, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new LaneDataLoader(Open(options).Training, LoaderOptions(options), time, stop);
    }

    /// <summary>How each rank of a run prepares its training frames.</summary>
    public static LaneLoaderOptions LoaderOptions(TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new LaneLoaderOptions
        {
            ImageSize = options.ImageSize,
            BatchSize = options.LocalBatchSize,
            Workers = options.Workers,
            LineWidth = options.LineWidth,
            Augmentation = options.Augment ? AugmentationOptions.Default : AugmentationOptions.None,
            Seed = options.Seed,
            CacheDirectory = options.Cache,
            ChannelsLast = options.ChannelsLast,
            DropLast = true,
        };
    }

    /// <summary>Reads the header of every image.</summary>
    /// <returns>What is strange about the frames to train on, then about those held out, but no error.</returns>
    /// <exception cref="BadInputException">The first image that is no image.</exception>
    public IReadOnlyList<DatasetRemarks> Verify() => Validation is null ? [Training.Verify()] : [Training.Verify(), Validation.Verify()];
}
