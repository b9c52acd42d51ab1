using Convoy.Distributed;
using Convoy.Training.Checkpoints;
using static TorchSharp.torch;

namespace Convoy.Training.Tests.Checkpoints;

public sealed class FirstRankTests
{
    [Fact]
    public void Run_FailsOnRankZeroOfABrokenGroup_ThrowsItsOwnError()
    {
        using var group = new LostPeerGroup();

        IOException error = Assert.Throws<IOException>(() => FirstRank.Run(group, "write the checkpoint", () => throw new IOException("the disk is full")));

        Assert.Equal("the disk is full", error.Message);
    }

    /// <summary>Rank 0 of two, of which the other one has ended.</summary>
    private sealed class LostPeerGroup() : ProcessGroup(0, 2, TimeSpan.FromSeconds(60))
    {
        protected override void BroadcastCore(Tensor tensor, int root) => throw new PeerLostException("Broadcast", 1, 4711, leftGroup: false);
    }
}
