using System.Net;
using Convoy.Distributed.Backends.Mpi.Pmi;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Backends.Pmi;

/// <summary>What an MPI library asks, line by line, and what it gets.</summary>
public sealed class PmiSessionTests : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly TcpStoreServer _server = new(IPAddress.Loopback, 0, "known here only");
    private readonly TcpStore _store;

    public PmiSessionTests() => _store = new TcpStore("127.0.0.1", _server.Port, "known here only", Timeout);

    [Theory]
    [InlineData("cmd=init pmi_version=1 pmi_subversion=1", "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0")]
    [InlineData("cmd=init pmi_version=2 pmi_subversion=0", "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=-1")]
    [InlineData("cmd=init", "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=-1")]
    [InlineData("cmd=get_maxes", "cmd=maxes kvsname_max=64 keylen_max=64 vallen_max=866 rc=0")]
    [InlineData("cmd=get_appnum", "cmd=appnum appnum=0 rc=0")]
    [InlineData("cmd=get_my_kvsname", "cmd=my_kvsname kvsname=convoy rc=0")]
    [InlineData("cmd=get_universe_size", "cmd=universe_size size=3 rc=0")]
    [InlineData("cmd=get kvsname=convoy key=PMI_process_mapping", "cmd=get_result rc=0 msg=success value=(vector,(0,1,2),(1,1,1))")]
    [InlineData("cmd=get kvsname=convoy key=nobodys", "cmd=get_result rc=-1 msg=key_not_found value=unknown found=FALSE")]
    [InlineData("cmd=get kvsname=other key=nobodys", "cmd=get_result rc=-1 msg=unknown_kvsname_or_key value=unknown found=FALSE")]
    [InlineData("cmd=get", "cmd=get_result rc=-1 msg=unknown_kvsname_or_key value=unknown found=FALSE")]
    [InlineData("cmd=put kvsname=other key=k value=v", "cmd=put_result rc=-1 msg=unknown_kvsname")]
    [InlineData("cmd=put kvsname=convoy key= value=v", "cmd=put_result rc=-1 msg=invalid_key_or_value")]
    [InlineData("cmd=put kvsname=convoy key=k", "cmd=put_result rc=-1 msg=invalid_key_or_value")]
    [InlineData("cmd=publish_name service=s port=p", "cmd=publish_result info=refused rc=-1 msg=not_offered_without_mpirun")]
    [InlineData("cmd=unpublish_name service=s", "cmd=unpublish_result info=refused rc=-1 msg=not_offered_without_mpirun")]
    [InlineData("cmd=lookup_name service=s", "cmd=lookup_result info=refused rc=-1 msg=not_offered_without_mpirun")]
    [InlineData("cmd=create_kvs", "cmd=newkvs rc=-1 msg=not_offered_without_mpirun")]
    [InlineData("cmd=destroy_kvs kvsname=convoy", "cmd=kvs_destroyed rc=-1 msg=not_offered_without_mpirun")]
    [InlineData("cmd=getbyidx kvsname=convoy idx=0", "cmd=getbyidx_results rc=-1 msg=not_offered_without_mpirun reason=not_offered_without_mpirun")]
    public void Answer_OneQuestion_IsThatOfPmi(string line, string expected) => Assert.Equal(expected, Session(0, 2, 1).Answer(line));

    [Theory]
    [InlineData("v")]
    [InlineData("2F6465762F73686D2F")]
    [InlineData("a=b,c;d:e/f")]
    [InlineData("")]
    [InlineData("with\\ an\\ escaped\\ space")]
    [InlineData("ÿ\u0080\u0001\t")]
    public void PutAndGet_OfTwoRanks_GiveTheValueAsItWas(string value)
    {
        Assert.Equal("cmd=put_result rc=0 msg=success", Session(0, 2).Answer($"cmd=put kvsname=convoy key=-bcast-1-0 value={value}"));
        Assert.Equal($"cmd=get_result rc=0 msg=success value={value}", Session(1, 2).Answer("cmd=get kvsname=convoy key=-bcast-1-0"));
    }

    [Theory]
    [InlineData(866)]
    [InlineData(1024)]
    [InlineData(60_000)]
    public void Put_LongValue_IsKeptWhole(int length)
    {
        string value = string.Concat(Enumerable.Range(0, length).Select(i => (char)('A' + (i % 26))));
        PmiSession session = Session(0, 1);
        session.Answer($"cmd=put kvsname=convoy key=k value={value}");
        Assert.Equal($"cmd=get_result rc=0 msg=success value={value}", session.Answer("cmd=get kvsname=convoy key=k"));
    }

    [Fact]
    public void Put_KeyOfMoreThan256Bytes_IsRefused() =>
        Assert.Equal("cmd=put_result rc=-1 msg=invalid_key_or_value", Session(0, 1).Answer($"cmd=put kvsname=convoy key={new string('k', 257)} value=v"));

    [Theory]
    [InlineData("")]
    [InlineData("cmd=")]
    [InlineData("cmd=INIT")]
    [InlineData("cmd=fence")]
    [InlineData("init")]
    [InlineData(" cmd=init")]
    [InlineData("\0cmd=init")]
    [InlineData("cmd =init")]
    public void Answer_WhatPmiDoesNotHave_SaysSo(string line)
    {
        RendezvousException error = Assert.Throws<RendezvousException>(() => Session(0, 1).Answer(line));
        Assert.Contains("Use an MPICH of series 3 or 4, or start the program with the library's own mpirun.", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(error.Message, char.IsControl);
    }

    [Fact]
    public void Answer_Spawn_IsRefusedOnceAtItsEnd()
    {
        PmiSession session = Session(0, 1);
        foreach (string line in (string[])["mcmd=spawn", "nprocs=1", "execname=a program", "totspawns=2", "spawnssofar=1", "arg1=cmd=finalize", "endcmd", "mcmd=spawn", "totspawns=2", "spawnssofar=2"])
        {
            Assert.Null(session.Answer(line));
        }

        Assert.Equal("cmd=spawn_result rc=-1 msg=not_offered_without_mpirun", session.Answer("endcmd"));
        Assert.Equal("cmd=appnum appnum=0 rc=0", session.Answer("cmd=get_appnum"));
    }

    [Theory]
    [InlineData("cmd=abort exitcode=7", "the MPI library gave up with exit code 7. What it wrote to standard error says why.")]
    [InlineData("cmd=abort", "the MPI library gave up with exit code 1. What it wrote to standard error says why.")]
    [InlineData("cmd=abort exitcode=3 message=no such device: eth7", "the MPI library gave up with exit code 3: no such device: eth7")]
    public void Answer_Abort_ThrowsWhatTheLibrarySays(string line, string expected) =>
        Assert.Equal(expected, Assert.Throws<MpiAbortException>(() => Session(0, 1).Answer(line)).Message);

    [Fact]
    public async Task Barrier_OfSeveralRanks_LetsNobodyThroughBeforeTheLast()
    {
        PmiSession[] sessions = [.. Enumerable.Range(0, 3).Select(rank => Session(rank, 2, 1))];
        for (int round = 0; round < 3; round++)
        {
            Task<string?>[] first = [.. sessions.Take(2).Select(session => Task.Run(() => session.Answer("cmd=barrier_in")))];
            await AwaitWaitingAsync(2);
            Assert.All(first, waiting => Assert.False(waiting.IsCompleted));
            Assert.Equal("cmd=barrier_out rc=0", sessions[2].Answer("cmd=barrier_in"));
            Assert.All(await Task.WhenAll(first), answer => Assert.Equal("cmd=barrier_out rc=0", answer));
        }
    }

    [Fact]
    public async Task Barrier_RankThatDoesNotCome_IsNamed()
    {
        HostLayout hosts = HostLayout.Blocks(2, 2);
        PmiSession[] sessions = [.. new[] { 0, 2 }.Select(rank => Session(rank, hosts, TimeSpan.FromSeconds(0.3)))];
        CollectiveTimeoutException[] errors = await Task.WhenAll(sessions.Select(session => Task.Run(() => Assert.Throws<CollectiveTimeoutException>(() => session.Answer("cmd=barrier_in")))));
        Assert.All(errors, error =>
        {
            Assert.Equal([1, 3], error.MissingRanks);
            Assert.StartsWith("starting or ending MPI: ranks 1, 3 did not arrive within 0.3 s.", error.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Barrier_AnotherRankGivesUp_EndsWithItsReason()
    {
        PmiSession session = Session(0, 3);
        Task<PeerLostException> waiting = Task.Run(() => Assert.Throws<PeerLostException>(() => session.Answer("cmd=barrier_in")));
        await AwaitWaitingAsync(1);
        new GivenUp(2, 4711, "its network is down").Tell(_store);
        new GivenUp(1, 4710, "comes second").Tell(_store);
        Assert.Equal("starting or ending MPI: rank 2 (process 4711) has given up: its network is down", (await waiting).Message);
    }

    [Fact]
    public async Task Barrier_Cancelled_Ends()
    {
        using var stop = new CancellationTokenSource();
        HostLayout hosts = HostLayout.Blocks(2);
        var session = new PmiSession(_store, 0, hosts, new PmiBarrier(_store, 0, hosts, Timeout, stop.Token));
        Task<OperationCanceledException> waiting = Task.Run(() => Assert.ThrowsAny<OperationCanceledException>(() => session.Answer("cmd=barrier_in")));
        await AwaitWaitingAsync(1);
        await stop.CancelAsync();
        await waiting;
    }

    // Rank 0 may serve the store: its goodbye waits for those of the others.
    [Fact]
    public async Task Finalize_OfRankZero_IsTheLast()
    {
        PmiSession[] sessions = [.. Enumerable.Range(0, 2).Select(rank => Session(rank, 2))];
        Task<string?> first = Task.Run(() => sessions[0].Answer("cmd=finalize"));
        await AwaitWaitingAsync(1);
        Assert.False(first.IsCompleted);
        Assert.Equal("cmd=finalize_ack rc=0", sessions[1].Answer("cmd=finalize"));
        Assert.Equal("cmd=finalize_ack rc=0", await first);
    }

    public void Dispose()
    {
        _store.Dispose();
        _server.Dispose();
    }

    private PmiSession Session(int rank, params int[] ranksPerHost) => Session(rank, HostLayout.Blocks(ranksPerHost), Timeout);

    private PmiSession Session(int rank, HostLayout hosts, TimeSpan timeout) => new(_store, rank, hosts, new PmiBarrier(_store, rank, hosts, timeout, CancellationToken.None));

    private async Task AwaitWaitingAsync(int count)
    {
        while (_server.Waiting < count)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
