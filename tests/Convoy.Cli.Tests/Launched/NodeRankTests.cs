using Convoy.Cli.Launching;

namespace Convoy.Cli.Tests.Launched;

public sealed class NodeRankTests
{
    [Theory]
    [InlineData(4, "2", null, 2)]
    [InlineData(4, null, "3", 3)]
    [InlineData(4, "1", "3", 1)]
    [InlineData(4, null, null, null)]
    [InlineData(4, "4", null, null)] // more pods than machines of this launch
    [InlineData(4, "first", "0", 0)]
    [InlineData(1, "0", "0", null)] // one machine needs no number
    public void NodeRankOfCluster_VariablesOfSchedulers_GiveTheMachinesNumber(int nodes, string? index, string? node, int? expected) =>
        Assert.Equal(expected, LaunchOptionSet.NodeRankOfCluster(nodes, name => name switch { "JOB_COMPLETION_INDEX" => index, "SLURM_NODEID" => node, _ => null }));
}
