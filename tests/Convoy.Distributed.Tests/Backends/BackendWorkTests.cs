using System.Collections.Concurrent;
using Convoy.Distributed.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Backends;

/// <summary>A backend hands back its own work: what the group makes of it.</summary>
public sealed class BackendWorkTests : IDisposable
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Hub _hub = new(2);

    public void Dispose()
    {
        _hub.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Operations_CompletedByAnotherThread_GiveTheSumOnAllRanks()
    {
        using ProcessGroup zero = new HubBackend(_hub, 0), one = new HubBackend(_hub, 1);
        Tensor a = full(5, 1f), b = full(5, 2f);
        Work other = one.AllReduceAsync(b);
        zero.AllReduce(a);
        other.Wait();
        Assert.True(a.eq(3).all().item<bool>() && b.eq(3).all().item<bool>());
        Assert.True(other.IsCompleted && other.Error is null);
    }

    [Fact]
    public void Operations_StillUnderWay_DoNotKeepTheNextFromBeingStarted()
    {
        using ProcessGroup zero = new HubBackend(_hub, 0), one = new HubBackend(_hub, 1);
        _hub.Close();
        Tensor[] own = [full(3, 1f), full(4, 1f), full(5, 1f)], others = [full(3, 2f), full(4, 2f), full(5, 2f)];
        Work[] works = [zero.AllReduceAsync(own[0]), zero.BroadcastAsync(own[1], 1), zero.AllReduceAsync(own[2])];
        Work[] theirs = [one.AllReduceAsync(others[0]), one.BroadcastAsync(others[1], 1), one.AllReduceAsync(others[2])];

        // The caller may let go of its tensors meanwhile.
        Tensor kept = own[2].alias();
        own[2].Dispose();
        Assert.True(SpinWait.SpinUntil(() => _hub.StartedBy(0).Length == 3, TimeSpan.FromSeconds(30)));
        Assert.Equal(["AllReduce([3] Float32, Sum)", "Broadcast([4] Float32, root 1)", "AllReduce([5] Float32, Sum)"], _hub.StartedBy(0));
        Assert.Equal([1L, 2, 3], works.Select(work => work.Number));
        Assert.All(works, work => Assert.False(work.IsCompleted));
        Assert.Throws<CollectiveTimeoutException>(() => works[0].Wait(TimeSpan.FromMilliseconds(20)));

        _hub.Open();
        Assert.All(works.Concat(theirs), work => work.Wait());
        Assert.True(own[0].eq(3).all().item<bool>() && own[1].eq(2).all().item<bool>() && kept.eq(3).all().item<bool>());
        Assert.All(works, work => Assert.True(work.FinishedTimestamp >= work.StartedTimestamp));
    }

    [Fact]
    public void Observers_WorkOfTheBackend_LearnOfItsEndBeforeThoseWhoWait()
    {
        using ProcessGroup zero = new HubBackend(_hub, 0), one = new HubBackend(_hub, 1);
        var seen = new Observer();
        var recorder = new FlightRecorder(0, 2);
        using IDisposable observing = zero.Observe(seen), recording = zero.Observe(recorder);
        _hub.Close(); // Work that is finished before anybody asks tells so to who asks.
        Work other = one.AllReduceAsync(ones(1)), own = zero.AllReduceAsync(ones(1));
        Assert.True(SpinWait.SpinUntil(() => _hub.StartedBy(0).Length == 1, TimeSpan.FromSeconds(30)));
        _hub.Open();
        own.Wait();
        Assert.Equal(["started 1", "finished 1"], seen.Events);
        Assert.Equal(_hub.ThreadId, seen.FinishedOn);
        Assert.NotNull(Assert.Single(recorder.Operations).FinishedSeconds);
        other.Wait();
    }

    [Fact]
    public void TimeOut_OtherRankDoesNotCome_BreaksTheGroupAndNamesIt()
    {
        using var zero = new HubBackend(_hub, 0, Short);
        Work work = zero.AllReduceAsync(ones(1));
        var error = Assert.Throws<CollectiveTimeoutException>(() => work.Wait());
        Assert.Equal([1], error.MissingRanks);
        Assert.Equal(Short, error.Timeout);
        Assert.StartsWith("AllReduce([1] Float32, Sum): rank 1 did not arrive within 0.2 s.", error.Message, StringComparison.Ordinal);
        Assert.Same(error, zero.Failure);
        Assert.Same(error, Assert.Throws<CollectiveTimeoutException>(() => zero.AllReduce(ones(1))));
    }

    [Fact]
    public void TimeOut_NobodyWaits_BreaksTheGroupAllTheSame()
    {
        using var zero = new HubBackend(_hub, 0, Short);
        Work work = zero.AllReduceAsync(ones(1));
        Assert.True(SpinWait.SpinUntil(() => work.IsCompleted, TimeSpan.FromSeconds(30)));
        Assert.IsType<CollectiveTimeoutException>(zero.Failure);
    }

    [Fact]
    public void Failure_OfTheBackendsThread_IsThrownByWaitAndByLaterOperations()
    {
        using HubBackend zero = new(_hub, 0), one = new(_hub, 1);
        var fault = new DistributedException("the hub burns.");
        _hub.Fault = fault;
        Work other = one.AllReduceAsync(ones(1));
        Assert.Same(fault, Assert.Throws<DistributedException>(() => zero.AllReduce(ones(1))));
        Assert.Same(fault, Assert.Throws<DistributedException>(() => other.Wait()));
        Assert.Same(fault, Assert.Throws<DistributedException>(() => zero.Broadcast(ones(1), 0)));
        Assert.Same(fault, one.Failure);
    }

    [Fact]
    public void Complete_Twice_OnlyTheFirstCounts()
    {
        var work = new BackendWork();
        Assert.False(work.IsCompleted);
        work.Complete();
        work.Complete(new DistributedException("late"));
        Assert.True(work.IsCompleted);
    }

    [Fact]
    public void Dispose_WorkUnderWay_FailsIt()
    {
        var zero = new HubBackend(_hub, 0);
        Work work = zero.AllReduceAsync(ones(1));
        Assert.True(SpinWait.SpinUntil(() => _hub.StartedBy(0).Length == 1, TimeSpan.FromSeconds(30)));
        zero.Dispose();
        Assert.Throws<ObjectDisposedException>(() => work.Wait());
    }

    [Fact]
    public void Wait_BackendOrdersByItself_DoesNotBlock()
    {
        using ProcessGroup zero = new HubBackend(_hub, 0) { OrdersByItself = true }, one = new HubBackend(_hub, 1);
        _hub.Close();
        Tensor own = ones(2);
        Work work = zero.AllReduceAsync(own), other = one.AllReduceAsync(ones(2));
        work.Wait();
        Assert.False(work.IsCompleted);
        _hub.Open();
        other.Wait();
        Assert.True(SpinWait.SpinUntil(() => work.IsCompleted, TimeSpan.FromSeconds(30)));
        Assert.True(own.eq(2).all().item<bool>());
    }

    [Fact]
    public async Task Barrier_SynchronousAmongOthers_KeepsItsPlace()
    {
        using HubBackend zero = new(_hub, 0), one = new(_hub, 1);
        await Task.WhenAll(new[] { zero, one }.Select(group => Task.Run(() =>
        {
            Work before = group.AllReduceAsync(ones(1));
            group.Barrier();
            before.Wait();
            group.AllReduce(ones(1));
        })));
        Assert.Equal(["AllReduce([1] Float32, Sum)", "Barrier()", "AllReduce([1] Float32, Sum)"], _hub.StartedBy(1));
    }

    [Fact]
    public void Operation_NeitherStartedNorDone_SaysThatTheBackendHasItNot()
    {
        using var zero = new HubBackend(_hub, 0);
        var error = Assert.Throws<NotSupportedException>(() => zero.Send(ones(1), 1));
        Assert.StartsWith("HubBackend has no Send.", error.Message, StringComparison.Ordinal);
    }

    private sealed class Observer : IOperationObserver
    {
        private readonly ConcurrentQueue<string> _events = new();

        public IEnumerable<string> Events => _events;

        public int FinishedOn { get; private set; }

        public void Started(Work work) => _events.Enqueue(FormattableString.Invariant($"started {work.Number}"));

        public void Finished(Work work)
        {
            FinishedOn = Environment.CurrentManagedThreadId;
            _events.Enqueue(FormattableString.Invariant($"finished {work.Number}"));
        }
    }
}
