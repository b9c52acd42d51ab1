namespace Convoy.Training.Tests.Measurement;

/// <summary>A clock that stands still until it is told; a tick is a second.</summary>
internal sealed class ManualTime : TimeProvider
{
    private long _now;

    public override long TimestampFrequency => 1;

    public override long GetTimestamp() => _now;

    public void Pass(long seconds) => _now += seconds;
}
