using System.Text.Json.Nodes;
using Convoy.Lanes.Data;
using Convoy.Lanes.Training;
using Convoy.Training.Options;

namespace Convoy.Cli.Training;

/// <summary>The settings of a verb's runs where the command line says nothing, by the data that the lane detector is given.</summary>
/// <param name="create">The settings for data at a path, and whether that data is drawn.</param>
internal sealed class VerbDefaults(Func<string, bool, (TrainingOptions Training, LaneOptions Task)> create)
{
    /// <summary>Those of <c>train</c>.</summary>
    public static VerbDefaults Train { get; } = new((data, drawn) =>
    {
        (TrainingOptions, LaneOptions) defaults = (new TrainingOptions(), new LaneOptions { Data = data });
        return drawn ? DrawnData.Shortened(defaults.Item1, defaults.Item2) : defaults;
    });

    /// <summary>Those of <c>bench step</c>, which needs no data.</summary>
    public static VerbDefaults Steps { get; } = new((data, _) => (new TrainingOptions(), new LaneOptions { Data = data }));

    /// <summary>
    /// Those of runs that are measured and not scored, of <c>scale</c> and <c>tune</c>: on drawn data half the study's width and height, a quarter of its work, and an
    /// update in every step, as each step is measured.
    /// </summary>
    public static VerbDefaults Measured { get; } = new((data, drawn) =>
    {
        TrainingOptions training = new TrainingOptions() with { Nproc = 1, Threads = 1 };
        var task = new LaneOptions { Data = data, ValSplit = 0 };
        return drawn ? (training with { Accumulate = 1 }, task with { ImageSize = new ImageSize(ImageSize.Network.Width / 2, ImageSize.Network.Height / 2) }) : (training, task);
    });

    /// <summary>The settings of a run.</summary>
    /// <param name="data">Where its data is, or will be.</param>
    /// <param name="drawn">Whether that is drawn.</param>
    public RunConfiguration Configuration(string data, bool drawn)
    {
        (TrainingOptions training, LaneOptions task) = create(data, drawn);
        return new RunConfiguration(training, LaneOptions.Table.ToJson(task));
    }

    /// <summary>The defaults of all settings, for <c>--help</c>.</summary>
    public JsonObject Values(bool drawn) => Configuration(string.Empty, drawn).ToJson();
}
