using System.Globalization;
using Convoy.Distributed.Backends.Mpi.Pmi;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Backends.Pmi;

public sealed class ProcessMappingTests
{
    [Theory]
    [InlineData("(vector,(0,1,1))", 1)]
    [InlineData("(vector,(0,1,4))", 4)]
    [InlineData("(vector,(0,4,1))", 1, 1, 1, 1)]
    [InlineData("(vector,(0,2,2))", 2, 2)]
    [InlineData("(vector,(0,1,3),(1,1,1))", 3, 1)]
    [InlineData("(vector,(0,2,1),(2,1,2),(3,1,1))", 1, 1, 2, 1)]
    public void Describe_Blocks_JoinsHostsOfEqualNumbers(string expected, params int[] ranksPerHost) =>
        Assert.Equal(expected, ProcessMapping.Describe(HostLayout.Blocks(ranksPerHost)));

    [Fact]
    public void Describe_RanksDealtOutInTurn_SaysSo() => Assert.Equal("(vector,(0,2,1),(0,2,1),(0,1,1))", ProcessMapping.Describe(RankLocations.Layout(
        [new(0, 3, "a"), new(0, 2, "b"), new(1, 3, "a"), new(1, 2, "b"), new(2, 3, "a")])));

    [Fact]
    public void Describe_TooLongForMpich_SaysThatNobodySharesAHost()
    {
        int[] uneven = [.. Enumerable.Range(0, 200).Select(host => 1 + (host % 2))];
        Assert.Equal("(vector,(0,300,1))", ProcessMapping.Describe(HostLayout.Blocks(uneven)));
    }

    // By MPICH's own rules: node ids go up within a block, and ranks are dealt out block by block.
    [Fact]
    public void Describe_RandomLayouts_ReadAsTheyWere()
    {
        var random = new Random(3);
        for (int trial = 0; trial < 500; trial++)
        {
            HostLayout hosts = HostLayout.Blocks([.. Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(1, 4))]);
            Assert.Equal(hosts.Hosts, Read(ProcessMapping.Describe(hosts)));
        }
    }

    private static List<int> Read(string mapping)
    {
        var hosts = new List<int>();
        foreach (string block in mapping["(vector,(".Length..^2].Split("),("))
        {
            int[] numbers = [.. block.Split(',').Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
            for (int host = numbers[0]; host < numbers[0] + numbers[1]; host++)
            {
                hosts.AddRange(Enumerable.Repeat(host, numbers[2]));
            }
        }

        return hosts;
    }
}
