namespace Convoy.Training.Loading;

/// <summary>
/// Which sample is to be prepared, and for which epoch. What a sample becomes should depend on nothing else, so that a batch is the same
/// whatever thread or process prepares it.
/// </summary>
/// <param name="Index">The sample's index in its data set, from 0.</param>
/// <param name="Epoch">The epoch, from 0.</param>
/// <param name="Seed">The run's seed.</param>
public readonly record struct SampleContext(int Index, int Epoch, long Seed)
{
    /// <summary>Random numbers that follow from seed, epoch and index alone; the same ones with every call.</summary>
    public SampleRandom CreateRandom() => new(Seed, Epoch, Index);
}
