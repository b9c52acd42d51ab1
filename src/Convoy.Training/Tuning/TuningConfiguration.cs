using System.Globalization;

namespace Convoy.Training.Tuning;

/// <summary>What tuning chooses: everything that changes how fast a run is, and hardly what it learns.</summary>
/// <param name="Processes">Processes that train; at least 1.</param>
/// <param name="Threads">libtorch's threads in each of them; at least 1.</param>
/// <param name="Precision">The type of convolutions and matrix products.</param>
/// <param name="ChannelsLast">Whether features lie with their channels innermost.</param>
/// <param name="Workers">Loader threads of each process; 0 or more.</param>
public sealed record TuningConfiguration(int Processes, int Threads, Precision Precision, bool ChannelsLast, int Workers)
{
    /// <summary><paramref name="options"/> with this configuration.</summary>
    public TrainingOptions ApplyTo(TrainingOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options with { Nproc = Processes, Threads = Threads, Precision = Precision, ChannelsLast = ChannelsLast, Workers = Workers };
    }

    /// <summary>The configuration in words.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Processes} x {Threads}, {Precision.Name()}, {(ChannelsLast ? "channels last" : "contiguous")}, {Workers} loader {(Workers == 1 ? "thread" : "threads")}");
}
