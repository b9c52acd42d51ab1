namespace Convoy.Training.Studies;

/// <summary>How long the rest of a study takes, from the runs that are done.</summary>
/// <param name="cores">The cores that the study may use.</param>
/// <param name="plannedSeconds">How long a run is planned to take at most; null when that is not known.</param>
public sealed class RemainingTime(int cores, double? plannedSeconds = null)
{
    private readonly Dictionary<StudyConfiguration, (double Seconds, int Runs)> _done = [];

    /// <summary>A run was made.</summary>
    /// <param name="configuration">What it trained with.</param>
    /// <param name="seconds">From its start to its end.</param>
    public void Add(StudyConfiguration configuration, double seconds)
    {
        (double before, int runs) = _done.GetValueOrDefault(configuration);
        _done[configuration] = (before + seconds, runs + 1);
    }

    /// <summary>Seconds that <paramref name="left"/> will take; null while nothing is known.</summary>
    /// <param name="left">Runs not yet made.</param>
    /// <param name="runningSeconds">How long the first of them has been running.</param>
    public double? Estimate(IEnumerable<StudyRun> left, double runningSeconds = 0)
    {
        if (_done.Count == 0 && plannedSeconds is null)
        {
            return null;
        }

        double[] each = [.. left.Select(run => Estimate(run.Configuration))];
        return each.Length == 0 ? 0 : Math.Max(0, each[0] - runningSeconds) + each[1..].Sum();
    }

    // A configuration that was not run yet takes as long as the one most like it, in proportion to the cores that compute.
    private double Estimate(StudyConfiguration configuration)
    {
        if (_done.TryGetValue(configuration, out (double Seconds, int Runs) own))
        {
            return own.Seconds / own.Runs;
        }

        if (_done.Count == 0)
        {
            return plannedSeconds!.Value;
        }

        (StudyConfiguration like, (double seconds, int runs)) = _done
            .OrderByDescending(d => d.Key.Precision == configuration.Precision)
            .ThenBy(d => Math.Abs(d.Key.BusyCores(cores) - configuration.BusyCores(cores)))
            .First();
        return seconds / runs * like.BusyCores(cores) / configuration.BusyCores(cores);
    }
}
