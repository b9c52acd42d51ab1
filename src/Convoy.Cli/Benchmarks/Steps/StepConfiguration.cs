using System.Globalization;
using Convoy.Lanes.Models;
using Convoy.Lanes.Training;
using Convoy.Training.Options;

namespace Convoy.Cli.Benchmarks.Steps;

/// <summary>One of the configurations that <c>convoy bench step</c> sets beside each other.</summary>
/// <param name="Processes">How many processes train.</param>
/// <param name="Threads">libtorch's threads in each.</param>
/// <param name="Precision">The precision by its name on the command line.</param>
/// <param name="ChannelsLast">Whether features lie with their channels innermost.</param>
/// <param name="Fuse">The fused operations by their names on the command line.</param>
internal sealed record StepConfiguration(int Processes, int Threads, string Precision, bool ChannelsLast, string Fuse)
{
    /// <summary>The configuration that training options make.</summary>
    public static StepConfiguration From(TrainingOptions options) =>
        new(options.Nproc, options.Threads, Lower(options.Precision.ToString()), options.ChannelsLast, Names(options.Fuse));

    // A file by its name, and names joined so that a list of configurations can be separated by commas.
    private static string Names(FuseSetting fuse) => fuse.Table is { } file ? Path.GetFileName(file) : fuse.ToString().Replace(',', '+');

    private static string Lower(string name) => name.ToLower(CultureInfo.InvariantCulture);
}
