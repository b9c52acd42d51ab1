using System.Runtime.Intrinsics;
using Convoy.Lanes.Data;
using Convoy.Lanes.Training;

namespace Convoy.Cli.Training;

/// <summary>The defaults of runs that are measured and not scored, those of <c>scale</c> and <c>tune</c>.</summary>
internal static class MeasuredRunDefaults
{
    /// <summary>On drawn data half the study's width and height, a quarter of its work, and an update in every step, as each step is measured.</summary>
    /// <param name="data">Where the data is, or will be.</param>
    /// <param name="drawn">Whether it is drawn.</param>
    public static TrainingOptions Of(string data, bool drawn)
    {
        var defaults = new TrainingOptions
        {
            Data = data,
            Nproc = 1,
            Threads = 1,
            ValSplit = 0,
            ChannelsLast = Vector512.IsHardwareAccelerated,
        };
        return drawn ? defaults with { ImageSize = new ImageSize(ImageSize.Network.Width / 2, ImageSize.Network.Height / 2), Accumulate = 1 } : defaults;
    }
}
