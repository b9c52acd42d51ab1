using System.Globalization;

namespace Convoy.Training.Loading;

/// <summary>How a <see cref="PrefetchLoader{TBuffer, TBatch}"/> works.</summary>
public record LoaderOptions
{
    /// <summary>Samples in a batch of this process. Default 8; 1 to 4096.</summary>
    public int BatchSize { get; init; } = 8;

    /// <summary>Threads that prepare samples ahead of time; 0 prepares them on the calling thread. Default 4; 0 to 256.</summary>
    public int Workers { get; init; } = 4;

    /// <summary>How many batches are prepared ahead of the one in use. Default 2; 1 to 64. Each takes the memory of a batch.</summary>
    public int PrefetchBatches { get; init; } = 2;

    /// <summary>Whether a last batch with fewer samples is left out. Default false.</summary>
    public bool DropLast { get; init; }

    /// <summary>The seed of everything random about a sample, see <see cref="SampleContext"/>. Default 0.</summary>
    public long Seed { get; init; }

    /// <summary>Checks that every value is in its range.</summary>
    /// <exception cref="BadInputException">The first value that is out of its range.</exception>
    public virtual void Validate()
    {
        Require(BatchSize is >= 1 and <= 4096, "batch size", BatchSize, "Give a whole number from 1 to 4096.");
        Require(Workers is >= 0 and <= 256, "number of loader workers", Workers, "Give a whole number from 0 to 256.");
        Require(PrefetchBatches is >= 1 and <= 64, "number of batches to prefetch", PrefetchBatches, "Give a whole number from 1 to 64.");
    }

    /// <summary>Throws when an option is out of its range.</summary>
    /// <param name="inRange">Whether it is in its range.</param>
    /// <param name="name">The option in words, without an article.</param>
    /// <param name="value">Its value.</param>
    /// <param name="remedy">What to do: one sentence with its full stop.</param>
    /// <exception cref="BadInputException">It is out of its range.</exception>
    protected static void Require(bool inRange, string name, double value, string remedy)
    {
        if (!inRange)
        {
            throw new BadInputException($"the {name} is out of range", value.ToString(CultureInfo.InvariantCulture), remedy);
        }
    }
}
