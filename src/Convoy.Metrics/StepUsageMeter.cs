namespace Convoy.Metrics;

/// <summary>
/// What this process uses in a step beside time: processor time, memory, context switches (<see cref="ProcessUsage"/>), time in the run queue (<see cref="RunQueueClock"/>) and
/// what the processor counts (<see cref="PerformanceCounters"/>). For the thread that trains; some microseconds a step.
/// </summary>
public sealed class StepUsageMeter : IDisposable
{
    private readonly PerformanceCounters _counters = PerformanceCounters.Open();
    private RunQueueClock? _queue;
    private ProcessUsage _usage;
    private CounterReading? _counted;
    private double? _queued;

    /// <summary>A step begins.</summary>
    public void StartStep()
    {
        _usage = ProcessUsage.Read();
        _counted = _counters.Read();
        _queue ??= RunQueueClock.Open(); // by the thread that trains
        _queued = _queue.ReadSeconds();
    }

    /// <summary>Adds what was used since <see cref="StartStep"/>.</summary>
    /// <param name="step">The step's record.</param>
    /// <returns>The record with it; what the system does not tell stays null.</returns>
    public StepMetrics AddTo(StepMetrics step)
    {
        ArgumentNullException.ThrowIfNull(step);
        ProcessUsage used = ProcessUsage.Read().Since(_usage);
        return step with
        {
            CpuTime = used.CpuSeconds,
            PeakMemoryBytes = used.PeakMemoryBytes,
            ContextSwitches = used.ContextSwitches,
            RunQueueTime = _queue?.ReadSeconds() - _queued,
            Counters = _counted is { } before ? _counters.Read()?.Since(before) : null,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _counters.Dispose();
        _queue?.Dispose();
    }
}
