namespace Convoy.Metrics.Tests;

public sealed class RunQueueClockTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData("5000000000 1500000000 42\n", 1.5)]
    [InlineData("5 0 1\n", 0.0)]
    [InlineData("5 x 1\n", null)]
    [InlineData("", null)]
    public void ReadSeconds_OfAFile_IsItsSecondNumber(string text, double? expected)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has that file");
        File.WriteAllText(_path, text);
        using var clock = RunQueueClock.Open(_path);

        Assert.Equal(expected, clock.ReadSeconds());
    }

    [Fact]
    public void ReadSeconds_OfAThreadThatHasEnded_IsNotKnown()
    {
        RunQueueClock? opened = null;
        var thread = new Thread(() => opened = RunQueueClock.Open());
        thread.Start();
        thread.Join();
        using RunQueueClock clock = opened!;

        // The system may keep the thread for a moment.
        Assert.True(SpinWait.SpinUntil(() => clock.ReadSeconds() is null, TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public void ReadSeconds_WithoutTheFile_IsNotKnown()
    {
        using var clock = RunQueueClock.Open(_path + "-none");

        Assert.Null(clock.ReadSeconds());
    }

    [Fact]
    public void ReadSeconds_OfThisThread_GrowsWhenOthersHaveTheCores()
    {
        using var clock = RunQueueClock.Open();
        Assert.SkipWhen(clock.ReadSeconds() is null, "this system does not tell how long a thread was ready to run");
        var limit = System.Diagnostics.Stopwatch.StartNew();
        double before = clock.ReadSeconds()!.Value;
        using var enough = new CancellationTokenSource();
        Thread[] others = [.. Enumerable.Range(0, Environment.ProcessorCount * 2).Select(_ => new Thread(() =>
        {
            while (!enough.IsCancellationRequested)
            {
            }
        }))];
        Array.ForEach(others, thread => thread.Start());
        while (clock.ReadSeconds() - before < 0.01 && limit.Elapsed.TotalSeconds < 60)
        {
        }

        enough.Cancel();
        Array.ForEach(others, thread => thread.Join());
        Assert.InRange(clock.ReadSeconds()!.Value - before, 0.01, limit.Elapsed.TotalSeconds);
    }
}
