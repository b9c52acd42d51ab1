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
        Require(Workers is >= 1 and <= 256, "not a number of loader threads", Workers, "Give --workers 1 to 256.");
        Require(BatchSize is >= 1 and <= 4096, "not a batch size", BatchSize, "Give --batch-size 1 to 4096.");
        Require(Threads >= 1, "not a number of threads", Threads, "Give --threads 1 or more.");
        Require(Seconds is > 0 and <= 3600, "not a time to measure", Seconds, "Give --seconds above 0 and up to 3600.");
        Require(StepSeconds is > 0 and <= 60, "not a time of a step", StepSeconds, "Give --step-seconds above 0 and up to 60.");
        Require(Repeats is >= 1 and <= 1000, "not a number of rounds", Repeats, "Give --repeats 1 to 1000.");
    }

    private static void Require(bool holds, string what, double value, string remedy)
    {
        if (!holds)
        {
            throw new BadInputException(what, value.ToString(CultureInfo.InvariantCulture), remedy);
        }
    }
}
