using System.Runtime.InteropServices;
using Convoy.Distributed.Launch;

namespace Convoy.Distributed.Tests.Launch;

public sealed class StopSignalsTests
{
    private static readonly TimeSpan SomeTime = TimeSpan.FromSeconds(100);

    [Fact]
    public void OnSignal_SecondOneWhileTheFirstIsTaken_DoesNotEndTheProcess()
    {
        var second = new PosixSignalContext(PosixSignal.SIGINT);
        var clock = new SteppingClock();
        using var signals = new StopSignals(insistingEnds: true, takesUserSignal: false, clock);
        var late = new Thread(() => signals.OnSignal(second));
        clock.Reading = () =>
        {
            clock.Reading = null;
            late.Start();
            late.Join(millisecondsTimeout: 200); // Ends now where nothing keeps it from looking at what the first one has not written yet.
        };

        signals.OnSignal(new PosixSignalContext(PosixSignal.SIGINT));
        late.Join();

        Assert.True(second.Cancel, "Ctrl-C that came twice ended the process");
        Assert.True(signals.Token.IsCancellationRequested);
    }

    [Theory]
    [InlineData(true, 1.0, true)]
    [InlineData(true, 1.1, false)]
    [InlineData(false, 1.1, true)]
    public void OnSignal_CtrlCAgain_EndsTheProcessWhereAskedAndLater(bool insistingEnds, double secondsLater, bool goesOn)
    {
        var clock = new SteppingClock();
        using var signals = new StopSignals(insistingEnds, takesUserSignal: false, clock);
        var again = new PosixSignalContext(PosixSignal.SIGINT);

        signals.OnSignal(new PosixSignalContext(PosixSignal.SIGHUP));
        clock.Now += TimeSpan.FromSeconds(secondsLater);
        signals.OnSignal(again);

        Assert.Equal(goesOn, again.Cancel);
        Assert.Equal(129, signals.ExitCode);
        Assert.Equal(PosixSignal.SIGTERM, signals.PassedOn);
    }

    private sealed class SteppingClock : TimeProvider
    {
        public TimeSpan Now { get; set; } = SomeTime;

        public Action? Reading { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp()
        {
            Reading?.Invoke();
            return Now.Ticks;
        }
    }
}
