using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed;

/// <summary>
/// The random numbers of a rank, all from one seed. <see cref="ProcessGroup.Seed"/> makes it and seeds torch's generators alike on all ranks, so that each makes the
/// same model. <see cref="SeparateRanks"/> comes when the model is made: from then on each rank draws numbers of its own, or dropout would drop the same units of
/// every rank's samples, and augmentation turn them alike.
/// </summary>
/// <remarks>
/// <para>Whatever must be the same on all ranks draws before <see cref="SeparateRanks"/>, or from <see cref="CreateSharedRandom"/>.</para>
/// <para>
/// torch's generators have a state that a checkpoint saves (<c>torch.get_rng_state</c>). Those of .NET have none to save: they follow from seed, rank and a stream's number. Make
/// one for each epoch, or each sample, with its number as the stream, and a program that goes on from a checkpoint draws what it would have drawn.
/// </para>
/// </remarks>
public sealed class RandomSources
{
    // Large and odd, so that runs whose seeds are neighbours do not share sequences.
    private const long Stride = 1_000_003;

    private readonly int _rank;

    internal RandomSources(int rank, long seed)
    {
        _rank = rank;
        Seed = seed;
        random.manual_seed(seed);
    }

    /// <summary>The seed.</summary>
    public long Seed { get; }

    /// <summary>Gives torch's generators of each rank but the first a seed of its own; rank 0 goes on where it is, so that one process draws the same with and without ranks.</summary>
    public void SeparateRanks()
    {
        if (_rank > 0)
        {
            random.manual_seed(RankSeed);
        }
    }

    /// <summary>A .NET generator of this rank: other numbers on each rank and in each stream, the same ones with every call.</summary>
    /// <param name="stream">Tells apart what draws: an epoch, a sample, a worker. Default: 0.</param>
    public Random CreateRandom(long stream = 0) => new(Mix(RankSeed, stream, own: 1));

    /// <summary>A .NET generator that gives the same numbers on all ranks, others in each stream, the same ones with every call.</summary>
    /// <param name="stream">Tells apart what draws. Default: 0.</param>
    public Random CreateSharedRandom(long stream = 0) => new(Mix(Seed, stream, own: 0));

    private long RankSeed => unchecked(Seed + (_rank * Stride));

    // SplitMix64's finalizer after each number: neighbours come far apart.
    private static int Mix(long seed, long stream, ulong own) => unchecked((int)Scramble(Scramble(Scramble(own) + (ulong)seed) + (ulong)stream));

    private static ulong Scramble(ulong value)
    {
        unchecked
        {
            value += 0x9E3779B97F4A7C15;
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return value ^ (value >> 31);
        }
    }
}
