using Convoy.Training.Programs;

namespace Convoy.Training.Tests.Programs;

public sealed class RankHostTests
{
    [Fact]
    public void CoresOfEach_RanksOfAMachine_ShareItsCores() => Assert.Equal(4, RankHost.CoresOfEach([Host("a", 8), Host("a", 8), Host("b", 16), Host("b", 16)]));

    [Fact]
    public void CoresOfEach_BoundToCoresOfTheirOwn_HaveThose() => Assert.Equal(4, RankHost.CoresOfEach([Host("a", 4, "0-3"), Host("a", 4, "4-7")]));

    [Fact]
    public void CoresOfEach_UnequalHosts_AreWhatAllHave() => Assert.Equal(2, RankHost.CoresOfEach([Host("a", 8), Host("b", 2)]));

    [Fact]
    public void CoresOfEach_MoreRanksThanCores_IsOne() => Assert.Equal(1, RankHost.CoresOfEach([Host("a", 2), Host("a", 2), Host("a", 2)]));

    [Fact]
    public void RequireSameVersion_Another_NamesBoth()
    {
        RankHost.RequireSameVersion([Host("a", 1), Host("b", 1)]);

        BadInputException error = Assert.Throws<BadInputException>(() => RankHost.RequireSameVersion([Host("a", 1), Host("b", 1) with { Version = "2.0" }]));

        Assert.Equal("the ranks run different versions of Convoy (1.0 on a, 2.0 on b, rank 1). Put the same build on every host.", error.Message);
    }

    private static RankHost Host(string machine, int cores, string processors = "") => new(machine, machine, processors, cores, "1.0");
}
