namespace Convoy.Metrics;

/// <summary>Cuts a step into phases: each lap is the time since the one before.</summary>
/// <param name="time">The clock; <see cref="TimeProvider.System"/> outside tests.</param>
public sealed class StepClock(TimeProvider time)
{
    private long _stepStart = time.GetTimestamp();
    private long _lapStart = time.GetTimestamp();

    /// <summary>Seconds since <see cref="StartStep"/>.</summary>
    public double StepSeconds => time.GetElapsedTime(_stepStart).TotalSeconds;

    /// <summary>Starts a step and its first lap.</summary>
    public void StartStep() => _stepStart = _lapStart = time.GetTimestamp();

    /// <summary>Ends a lap and starts the next.</summary>
    /// <returns>The lap's length in seconds.</returns>
    public double Lap()
    {
        long now = time.GetTimestamp();
        double seconds = time.GetElapsedTime(_lapStart, now).TotalSeconds;
        _lapStart = now;
        return seconds;
    }
}
