using System.Runtime.InteropServices;
using Convoy.Distributed.Backends.SharedMemory;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Backends;

/// <summary>Moments that processes meet once in a million barriers: the other rank comes, ends or leaves just as this one looks after it.</summary>
public sealed unsafe class SharedMemoryBarrierTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(20);

    private readonly byte* _memory = (byte*)NativeMemory.AllocZeroed((nuint)ControlBlock.Bytes(2));

    private ControlBlock Control => new(_memory, 2);

    public void Dispose() => NativeMemory.Free(_memory);

    [Fact]
    public void Wait_OtherRankCameAndGaveUp_GivesUpToo()
    {
        Assert.Throws<CollectiveTimeoutException>(() => Barrier(0, Soon).Wait("Barrier"));
        Assert.Throws<CollectiveTimeoutException>(() => Barrier(1, Soon).Wait("Barrier"));
    }

    [Fact]
    public void Wait_LastRankComesWhileThisOneGivesUp_HasHappenedForBothAndTheNextOneToo()
    {
        SharedMemoryBarrier last = Barrier(1, Late);
        bool hasCome = false;
        SharedMemoryBarrier first = Barrier(0, Late, () =>
        {
            if (hasCome)
            {
                return false;
            }

            hasCome = true;
            last.Wait("Barrier");
            throw new ObjectDisposedException("group");
        });
        first.Wait("Barrier");
        var next = new Thread(() => last.Wait("Barrier"));
        next.Start();
        first.Wait("Barrier");
        Assert.True(next.Join(Late));
    }

    [Fact]
    public void WaitWhile_OtherRankWritesTheWordAndLeavesAtOnce_Returns()
    {
        PeerWatch watch = Watch(0, Late, () =>
        {
            *Control.Generation = 1;
            Control.Slot(1)->Left = 1;
            return false;
        });
        watch.WaitWhile(Control.Generation, 0, Control.Sleepers, 1, "Receive");
        Assert.Equal(0, *Control.Sleepers);
    }

    private SharedMemoryBarrier Barrier(int rank, TimeSpan timeout, Func<bool>? isDisposing = null) =>
        new(Control, Watch(rank, timeout, isDisposing ?? (() => false)), rank, 2);

    private PeerWatch Watch(int rank, TimeSpan timeout, Func<bool> isDisposing) => new(Control, IPlatform.Current, rank, 2, () => timeout, new RankNames(), isDisposing);
}
