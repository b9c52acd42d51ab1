using Convoy.Training.Options;

namespace Convoy.Training.Tasks;

/// <summary>The learning rate of each update: a pure function of the update's number, so that a resumed run goes on exactly where it stopped.</summary>
public interface ILearningRateSchedule
{
    /// <summary>The rate of update <paramref name="update"/>, counted from 0.</summary>
    double At(long update);
}

/// <summary>A linear warm-up to the base rate, then half a cosine down to zero.</summary>
/// <remarks>
/// Sources: Loshchilov and Hutter, "SGDR", 2017 (cosine); Goyal et al., "Accurate, Large Minibatch SGD", 2017 (warm-up
/// when the rate is scaled with the number of processes).
/// </remarks>
public sealed class WarmupCosine : ILearningRateSchedule
{
    private readonly double _peak;
    private readonly long _updates;
    private readonly long _warmup;

    /// <summary>Makes a schedule.</summary>
    /// <param name="baseRate">The highest rate, reached when the warm-up ends; above 0.</param>
    /// <param name="totalUpdates">Updates of the whole run; at least 1.</param>
    /// <param name="warmupUpdates">Updates that rise linearly; 0 to <paramref name="totalUpdates"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range.</exception>
    public WarmupCosine(double baseRate, long totalUpdates, long warmupUpdates)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(baseRate);
        ArgumentOutOfRangeException.ThrowIfLessThan(totalUpdates, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(warmupUpdates);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(warmupUpdates, totalUpdates);
        _peak = baseRate;
        _updates = totalUpdates;
        _warmup = warmupUpdates;
    }

    /// <summary>The schedule of a run's settings: to <see cref="TrainingOptions.PeakLr"/> over <see cref="TrainingOptions.WarmupUpdates"/>, a twentieth of the updates, at most 500, where they say nothing.</summary>
    public static WarmupCosine Create(TrainingOptions options, long updates)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new WarmupCosine(options.PeakLr, updates, Math.Min(options.WarmupUpdates ?? Math.Min(500, updates / 20), updates));
    }

    /// <summary>The rate of update <paramref name="update"/>, counted from 0. After the last update it is 0.</summary>
    public double At(long update)
    {
        if (update < _warmup)
        {
            return _peak * (update + 1) / _warmup;
        }

        double progress = _updates == _warmup ? 1 : Math.Min(1, (double)(update - _warmup) / (_updates - _warmup));
        return _peak * 0.5 * (1 + Math.Cos(Math.PI * progress));
    }
}
