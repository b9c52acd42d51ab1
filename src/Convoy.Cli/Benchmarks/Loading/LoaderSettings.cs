using System.Globalization;
using Convoy.Lanes.Data;
using Convoy.Training;

namespace Convoy.Cli.Benchmarks.Loading;

/// <summary>What <c>convoy bench loader</c> measures.</summary>
/// <param name="ImageSize">The size of the prepared frames.</param>
/// <param name="BatchSize">Frames of a batch.</param>
/// <param name="Workers">Loader threads of the strategies that prefetch.</param>
/// <param name="Threads">libtorch's threads of the computation that batches are prepared beside.</param>
/// <param name="ChannelsLast">Whether images have their channels innermost.</param>
/// <param name="Seconds">How long each strategy is measured in each round.</param>
/// <param name="StepSeconds">The computation of a batch, in seconds.</param>
/// <param name="Repeats">Rounds over all strategies.</param>
internal sealed record LoaderSettings(ImageSize ImageSize, int BatchSize, int Workers, int Threads, bool ChannelsLast, double Seconds, double StepSeconds, int Repeats)
{
    /// <summary>Refuses what cannot be measured.</summary>
    /// <exception cref="BadInputException">A value is out of its range.</exception>
    public void Check()
    {
        CommandLineChecks.InRange("--workers", Workers, 1, 256);
        CommandLineChecks.InRange("--batch-size", BatchSize, 1, 4096);
        CommandLineChecks.Threads(Threads);
        CommandLineChecks.AboveZero("--seconds", Seconds, 3600);
        CommandLineChecks.AboveZero("--step-seconds", StepSeconds, 60);
        CommandLineChecks.InRange("--repeats", Repeats, 1, 1000);
    }
}
