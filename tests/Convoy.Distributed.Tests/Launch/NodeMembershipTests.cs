using Convoy.Distributed.Launch.Membership;

namespace Convoy.Distributed.Tests.Launch;

/// <summary>Who is in which start, and when it begins; by a clock that is moved by hand.</summary>
public sealed class NodeMembershipTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void TryStart_TheMostHaveCome_BeginsAtOnce()
    {
        NodeMembership members = Elastic(1, 3, "a", "b", "c");

        Assert.Equal(["a", "b", "c"], Hosts(members.TryStart(0, 0)));
    }

    [Fact]
    public void TryStart_TheLeastHaveCome_BeginsAfterTheLastCall()
    {
        NodeMembership members = Elastic(2, 4, "a");
        _time.Advance(100);
        Assert.Null(members.TryStart(0, 0));
        Arrive(members, 2, "b");
        Assert.Null(members.TryStart(0, 0));
        _time.Advance(29.9);
        Assert.Null(members.TryStart(0, 0));
        _time.Advance(0.2);

        Assert.Equal(["a", "b"], Hosts(members.TryStart(0, 0)));
    }

    [Fact]
    public void TryStart_NobodyIsMissing_BeginsAgainAtOnce()
    {
        NodeMembership members = Started(1, 4, "a", "b");
        members.Gather();

        Assert.Equal(["a", "b"], Hosts(members.TryStart(1, 1)));
    }

    [Fact]
    public void TryStart_OneIsLost_TheOthersKeepTheirNumbersWhereTheyCan()
    {
        NodeMembership members = Started(1, 4, "a", "b", "c", "d");
        members.Remove(2);
        members.Gather();
        Assert.Null(members.TryStart(1, 1));
        _time.Advance(31);

        // c stays 2, d takes the place that is free.
        Assert.Equal(["a", "d", "c"], Hosts(members.TryStart(1, 1)));
    }

    [Fact]
    public void TryStart_OneComesBack_TakesTheFreePlace()
    {
        NodeMembership members = Started(1, 3, "a", "b", "c");
        members.Remove(2);
        members.Gather();
        Arrive(members, 9, "b");

        Assert.Equal(["a", "b", "c"], Hosts(members.TryStart(1, 1)));
    }

    [Fact]
    public void TryStart_FixedNumberWithRanks_GoesByThem()
    {
        NodeMembership members = Fixed(3, ("a", 0), ("c", 2), ("b", 1));

        Assert.Equal(["a", "b", "c"], Hosts(members.TryStart(0, 0)));
    }

    [Fact]
    public void TryStart_FixedNumberAndOneLost_WaitsForIt()
    {
        NodeMembership members = Fixed(2, ("a", 0), ("b", 1));
        members.TryStart(0, 0);
        members.Remove(2);
        members.Gather();
        _time.Advance(299);
        Assert.Null(members.TryStart(1, 1));
        Assert.Null(members.Overdue());
        _time.Advance(2);

        Assert.Equal("not all machines came back within 300 s (missing: node 1, b). Start a launcher on each, with the same address, port and number of machines.", members.Overdue());
    }

    [Fact]
    public void Overdue_FewerThanTheLeast_SaysHowMany()
    {
        NodeMembership members = Elastic(3, 4, "a", "b");
        _time.Advance(301);

        Assert.Null(members.TryStart(0, 0));
        Assert.Equal("not enough machines joined within 300 s (2 of at least 3; missing: 1 more beside a, b). Start a launcher on each, with the same address, port and number of machines.", members.Overdue());
    }

    [Fact]
    public void IsNewcomerDue_OneWaits_AfterTheLastCallAndOnlyWhereThereIsRoom()
    {
        NodeMembership members = Started(1, 3, "a", "b");
        Assert.False(members.IsNewcomerDue());
        Arrive(members, 3, "c");
        Assert.False(members.IsNewcomerDue());
        _time.Advance(30);
        Assert.True(members.IsNewcomerDue());
        members.Gather();
        Assert.Equal(["a", "b", "c"], Hosts(members.TryStart(1, 0)));
        Arrive(members, 4, "d");
        _time.Advance(31);

        Assert.False(members.IsNewcomerDue());
    }

    [Fact]
    public void TakeSilent_NoSignOfLife_TakesItOutButNeverNodeZero()
    {
        NodeMembership members = Started(1, 3, "a", "b", "c");
        _time.Advance(20);
        members.Hear(3, 5);
        _time.Advance(11);

        Assert.Equal([2], members.TakeSilent());
        Assert.Equal([1, 3], members.Tickets);
    }

    [Fact]
    public void TakeRivals_TheOtherLives_RefusesTheSecond()
    {
        NodeMembership members = Fixed(3, ("a", 0), ("b", 1));
        Arrive(members, 7, "x", 1);
        members.Hear(2, 1);
        Assert.Empty(members.TakeRivals());
        members.Hear(2, 2);

        Assert.Equal([(7L, "another launcher is already node 1. Give each machine its own node rank, from 0 to 2.")], members.TakeRivals());
    }

    [Fact]
    public void TakeRivals_TheOtherIsDead_LetsTheSecondTakeItsPlace()
    {
        NodeMembership members = Fixed(2, ("a", 0), ("b", 1));
        members.TryStart(0, 0);
        Arrive(members, 7, "b", 1);
        _time.Advance(31);
        members.Hear(7, 300);
        Assert.Empty(members.TakeRivals());
        Assert.Equal([2], members.TakeSilent());
        members.Gather();

        NodeStart? start = members.TryStart(1, 1);

        Assert.Equal([1, 7], start?.Nodes.Select(node => node.Ticket));
    }

    private static IEnumerable<string>? Hosts(NodeStart? start) => start?.Nodes.Select(node => node.Host);

    private NodeMembership Started(int least, int most, params string[] hosts)
    {
        NodeMembership members = Elastic(least, most, hosts);
        members.TryStart(0, 0);
        _time.Advance(31);
        for (int ticket = 1; ticket <= hosts.Length; ticket++)
        {
            members.Hear(ticket, 1);
        }

        members.TryStart(0, 0);
        return members;
    }

    private NodeMembership Elastic(int least, int most, params string[] hosts)
    {
        NodeMembership members = Empty(least, most);
        foreach ((int index, string host) in hosts.Index())
        {
            Arrive(members, index + 1, host);
        }

        return members;
    }

    private NodeMembership Fixed(int count, params (string Host, int Rank)[] nodes)
    {
        NodeMembership members = Empty(count, count);
        foreach ((int index, (string host, int rank)) in nodes.Index())
        {
            Arrive(members, index + 1, host, rank);
        }

        return members;
    }

    private NodeMembership Empty(int least, int most)
    {
        var times = new MembershipTimes(TimeSpan.FromSeconds(300), TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30));
        var members = new NodeMembership(new NodeIntroduction("a", 2, 0, most, least, "none", 3), first: 1, times, _time);
        members.Gather();
        return members;
    }

    private static void Arrive(NodeMembership members, long ticket, string host, int? rank = null) => members.Arrive(ticket, new NodeIntroduction(host, 2, rank, 4, 1, "none", 3));

    private sealed class ManualTime : TimeProvider
    {
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _ticks;

        public void Advance(double seconds) => _ticks += (long)(seconds * TimeSpan.TicksPerSecond);
    }
}
