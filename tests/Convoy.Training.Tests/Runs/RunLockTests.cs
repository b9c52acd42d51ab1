using System.Globalization;
using Convoy.Training.Runs;

namespace Convoy.Training.Tests.Runs;

public sealed class RunLockTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly RunDirectory _run;

    public RunLockTests() => _run = new RunDirectory(_folder.Root);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Acquire_HeldByALivingSession_IsRefusedAndHarmsNothing()
    {
        using RunLock first = await AcquireAsync();
        await Assert.ThrowsAsync<BadInputException>(AcquireAsync);
        first.Begin();
        string text = File.ReadAllText(_run.Lock);

        string message = (await Assert.ThrowsAsync<BadInputException>(AcquireAsync)).Message;

        Assert.Equal($"the run still trains ({_folder.Root}, process {Environment.ProcessId}). Wait for its end, or stop it with Ctrl-C and then go on with --resume.", message);
        Assert.Equal(text, File.ReadAllText(_run.Lock));
        using RunLock? worker = RunLock.Join(_run, first.Session);
        Assert.NotNull(worker);
    }

    [Fact]
    public async Task Acquire_WorkerStillThereAndItsLauncherGone_WaitsForTheWorkersEnd()
    {
        // No process has the number of this launcher, which has left a worker behind.
        File.WriteAllText(_run.Lock, $"{int.MaxValue} session");
        RunLock worker = RunLock.Join(_run, $"{int.MaxValue} session")!;

        Task<RunLock> waiting = AcquireAsync();
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.False(waiting.IsCompleted);
        worker.Dispose();

        using RunLock next = await waiting;
        next.Begin();
        Assert.StartsWith(Environment.ProcessId.ToString(CultureInfo.InvariantCulture), next.Session, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Join_SessionThatAnotherHasFollowed_IsRefused()
    {
        string earlier;
        using (RunLock first = await AcquireAsync())
        {
            first.Begin();
            earlier = first.Session;
        }

        using RunLock second = await AcquireAsync();
        second.Begin();

        Assert.StartsWith("another session of the run has begun", Assert.Throws<InvalidOperationException>(() => RunLock.Join(_run, earlier)).Message, StringComparison.Ordinal);
        Assert.Null(RunLock.Join(_run, null));
    }

    [Fact]
    public async Task Acquire_AfterTheSessionsEnd_IsFree()
    {
        using (RunLock first = await AcquireAsync())
        {
            first.Begin();
        }

        using RunLock second = await AcquireAsync();
        second.Begin();
    }

    [Fact]
    public async Task WasCutShort_SessionThatEndedAndOneThatWasKilled_TellsThemApart()
    {
        using (RunLock first = await AcquireAsync())
        {
            Assert.False(first.WasCutShort);
            first.Begin();
            first.End();
        }

        using (RunLock second = await AcquireAsync())
        {
            Assert.False(second.WasCutShort);
            second.Begin();
        }

        using RunLock third = await AcquireAsync();
        Assert.True(third.WasCutShort);
    }

    private Task<RunLock> AcquireAsync() => RunLock.AcquireAsync(_run, TimeProvider.System, TestContext.Current.CancellationToken);
}
