using System.Net;
using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Rendezvous;
using static TorchSharp.torch;

namespace Convoy.Distributed.Tests.Backends;

/// <summary>Two ranks on two threads; what needs real processes is in Convoy.Distributed.ParallelTests.</summary>
public sealed class ProcessGroupSharedMemoryTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TcpStoreServer _server = new(IPAddress.Loopback, 0, null);

    public void Dispose() => _server.Dispose();

    [Fact]
    public async Task Constructor_OneRankHasNotYetLookedForTheOthers_Waits()
    {
        // Should a rank end before the others have seen its process, they would take it for one that containers hide.
        using var created = new ManualResetEventSlim();
        int looks = 0;
        bool wasAlone = false;
        var slow = new StubPlatform
        {
            Process = processId =>
            {
                // The first look is at itself.
                if (Interlocked.Increment(ref looks) == 2)
                {
                    wasAlone = created.Wait(TimeSpan.FromSeconds(1));
                }

                return IPlatform.Current.Inspect(processId);
            },
        };
        await OnTwoRanks(rank =>
        {
            using TcpStore store = Connect();
            using var group = new ProcessGroupSharedMemory(rank == 0 ? slow : IPlatform.Current, store, rank, 2, Limit);
            if (rank == 1)
            {
                created.Set();
            }

            group.Barrier();
        });
        Assert.False(wasAlone, "rank 1 went on before rank 0 had seen it");
    }

    [Fact]
    public void Constructor_RankZeroWasKilledBeforeItRemovedTheFile_RemovesIt()
    {
        string folder = Directory.CreateTempSubdirectory("convoy-test").FullName;
        try
        {
            var platform = new StubPlatform { Folder = folder };
            using TcpStore store = Connect();
            using var left = SharedMemorySegment.Create(platform, ControlBlock.Bytes(2));
            store.Set("shm/address", "?"); // Its memory needs a name, which it told:
            store.Set("shm/reached/0", "?");
            store.Set("shm/name", left.Address);
            Assert.Throws<StoreTimeoutException>(() => new ProcessGroupSharedMemory(platform, store, 1, 2, TimeSpan.FromMilliseconds(100)));
            Assert.Empty(Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Theory]
    [InlineData(false, "")]
    [InlineData(true, "another container")]
    public async Task Constructor_MemoryNeedsAName_WorksAndLeavesNoFile(bool hasUnnamedFiles, string place)
    {
        string folder = Directory.CreateTempSubdirectory("convoy-test").FullName;
        try
        {
            await OnTwoRanks(rank =>
            {
                var platform = new StubPlatform { Folder = folder, HasUnnamedFiles = hasUnnamedFiles, Place = rank == 0 ? "here" : place };
                using TcpStore store = Connect();
                using var group = new ProcessGroupSharedMemory(platform, store, rank, 2, Limit);
                using Tensor buffer = group.AllocateBuffer(5, ScalarType.Float32);
                buffer.fill_(rank + 1);
                group.AllReduce(buffer);
                Assert.Equal(3f, buffer[4].item<float>());
            });
            Assert.Empty(Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Constructor_CancelledWhileItWaits_SaysSoAtOnce()
    {
        using var stop = new CancellationTokenSource();
        using TcpStore store = Connect();
        Task joining = Task.Factory.StartNew(
            () => new ProcessGroupSharedMemory(store, 0, 2, TimeSpan.FromHours(1), cancellation: stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        using TcpStore other = Connect();
        other.Wait(["shm/reached/0"]);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => joining.WaitAsync(Limit, TestContext.Current.CancellationToken));

        // Its wait ends at the server as well.
        Assert.True(SpinWait.SpinUntil(() => _server.Waiting == 0, Limit));
    }

    [Fact]
    public async Task Barrier_TokenOfTheJoiningIsCancelledAfterIt_WaitsForTheOthers()
    {
        using var stop = new CancellationTokenSource();
        await OnTwoRanks(rank =>
        {
            using TcpStore store = Connect();
            using var group = new ProcessGroupSharedMemory(store, rank, 2, Limit, cancellation: stop.Token);
            group.Barrier();
            stop.Cancel();
            if (rank == 1)
            {
                // Long enough for the other rank to look whether there is a reason to give up.
                TestContext.Current.CancellationToken.WaitHandle.WaitOne(TimeSpan.FromSeconds(1));
            }

            group.Barrier();
        });
    }

    [Theory]
    [InlineData(OperationKind.NewGroup)]
    [InlineData(OperationKind.AllocateBuffer)]
    public async Task MoreMemory_ThereIsNoRoom_FailsOnAllRanksAndLeavesNoFile(OperationKind operation)
    {
        string folder = Directory.CreateTempSubdirectory("convoy-test").FullName;
        try
        {
            await OnTwoRanks(rank =>
            {
                bool isFull = false;
                var platform = new StubPlatform { Folder = folder, WhenReserving = () => _ = isFull ? throw new SharedMemoryException("no room") : 0 };
                using TcpStore store = Connect();
                using var group = new ProcessGroupSharedMemory(platform, store, rank, 2, Limit);
                isFull = true;
                Action more = operation == OperationKind.NewGroup ? () => group.NewGroup([1, 0]) : () => group.AllocateBuffer(5, ScalarType.Float32);
                int creator = operation == OperationKind.NewGroup ? 1 : 0;
                Assert.Equal($"rank {creator}: no room", Assert.Throws<SharedMemoryException>(more).Message);
            });
            Assert.Empty(Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public Task AllReduce_RanksGiveDifferentBuffersAtTheSameOffset_FailsOnBoth() => OnTwoRanks(rank =>
    {
        using ProcessGroupSharedMemory group = Join(rank);
        using Tensor first = group.AllocateBuffer(100_000, ScalarType.Float32), second = group.AllocateBuffer(100_000, ScalarType.Float32);
        group.AllReduce(first);
        Assert.Contains("buffer", Assert.Throws<CollectiveMismatchException>(() => group.AllReduce(rank == 0 ? first : second)).Message, StringComparison.Ordinal);
    });

    [Fact]
    public Task Broadcast_ConjugateView_BringsItsValues() => OnTwoRanks(rank =>
    {
        using ProcessGroupSharedMemory group = Join(rank);
        using Tensor real = full([5], 2f), imaginary = full([5], 3f), number = complex(real, imaginary), received = zeros([5], ScalarType.ComplexFloat32);
        using Tensor conjugate = number.conj();
        group.Broadcast(rank == 0 ? conjugate : received, 0);
        using Tensor part = (rank == 0 ? conjugate : received).imag.clone();
        Assert.Equal(-3f, part[0].item<float>());

        // And into such a view.
        group.Broadcast(rank == 1 ? conjugate : number, 0);
        using Tensor now = conjugate.imag.clone();
        Assert.Equal(rank == 1 ? 3f : -3f, now[0].item<float>());
    });

    private static Task OnTwoRanks(Action<int> body) => Task.WhenAll(
        Task.Factory.StartNew(() => body(0), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default),
        Task.Factory.StartNew(() => body(1), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));

    private TcpStore Connect() => new("127.0.0.1", _server.Port, null, Limit);

    private ProcessGroupSharedMemory Join(int rank) => new(Connect(), rank, 2, Limit, ownsStore: true);
}
