namespace Convoy.Training.Tuning;

/// <summary>A configuration and everything that its trials measured.</summary>
/// <param name="configuration">The configuration.</param>
public sealed class TuningCandidate(TuningConfiguration configuration)
{
    private readonly List<double> _steps = [];

    /// <summary>The configuration.</summary>
    public TuningConfiguration Configuration => configuration;

    /// <summary>How its last trial ended.</summary>
    public TrialEnd End { get; private set; } = TrialEnd.NotTried;

    /// <summary>Why it failed; null unless it did.</summary>
    public string? Error { get; private set; }

    /// <summary>Trials that it took part in.</summary>
    public int Trials { get; private set; }

    /// <summary>Seconds of all steps that count, over all trials.</summary>
    public IReadOnlyList<double> StepSeconds => _steps;

    /// <summary>The median of <see cref="StepSeconds"/>; infinite when nothing was measured.</summary>
    public double MedianSeconds => _steps.Count == 0 ? double.PositiveInfinity : StepMedian.Of(_steps);

    /// <summary>The median distance of steps from <see cref="MedianSeconds"/>, as a share of it; null with fewer than two steps.</summary>
    public double? RelativeSpread => _steps.Count < 2 ? null : StepMedian.Of([.. _steps.Select(s => Math.Abs(s - MedianSeconds))]) / MedianSeconds;

    internal void Add(TrialResult result)
    {
        End = result.End;
        Error = result.Error;
        Trials += result.End == TrialEnd.NotTried ? 0 : 1;
        _steps.AddRange(result.StepSeconds);
    }
}
