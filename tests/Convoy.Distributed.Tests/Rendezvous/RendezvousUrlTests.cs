using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Rendezvous;

public class RendezvousUrlTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Fact]
    public void Parse_Env_ReadsTheVariables()
    {
        RendezvousUrl url = Parse("env://", ("RANK", "1"), ("WORLD_SIZE", "2"), ("MASTER_PORT", "29500"));
        Assert.Equal((1, 2, 29500), (url.Rank, url.WorldSize, url.Ranks.MasterPort));
        Assert.Equal((0, 1), (Parse("env://").Rank, Parse("env://").WorldSize));
    }

    [Fact]
    public void Parse_EnvWithQuery_LetsTheQueryWin()
    {
        RendezvousUrl url = Parse("env://?rank=3&world_size=4", ("RANK", "1"), ("WORLD_SIZE", "2"), ("MASTER_PORT", "29500"), ("MASTER_ADDR", "10.0.0.1"));
        Assert.Equal((3, 4, "10.0.0.1"), (url.Rank, url.WorldSize, url.Ranks.MasterAddress));
    }

    [Theory]
    [InlineData("tcp://10.1.1.20:23456?rank=1&world_size=4", "10.1.1.20")]
    [InlineData("tcp://node-1.cluster:23456?world_size=4&rank=1", "node-1.cluster")]
    [InlineData("tcp://[::1]:23456?world_size=4&rank=1", "::1")]
    public void Parse_Tcp_GivesItsParts(string text, string host)
    {
        RendezvousUrl url = Parse(text, ("CONVOY_JOB_SECRET", "s"), ("RANK", "9"), ("MASTER_PORT", "1"));
        Assert.Equal(new RankEnvironment(1, 4, 1, 4, host, 23456, "s", false) { Source = text }, url.Ranks);
        Assert.Null(url.FilePath);
    }

    [Fact]
    public void Parse_TcpOverMachines_GivesTheLocalRank()
    {
        RendezvousUrl url = Parse("tcp://10.0.0.1:1?rank=3&world_size=4&local_rank=1&local_world_size=2");
        Assert.Equal((1, 2), (url.Ranks.LocalRank, url.Ranks.LocalWorldSize));
    }

    [Fact]
    public void Parse_File_GivesThePath()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "a path of Unix");
        RendezvousUrl url = Parse("file:///mnt/nfs/my%20job?rank=0&world_size=2");
        Assert.Equal(("/mnt/nfs/my job", 0, 2), (url.FilePath, url.Rank, url.WorldSize));
    }

    [Theory]
    [InlineData("", "none of env://, tcp:// and file://")]
    [InlineData("http://host:1", "none of env://, tcp:// and file://")]
    [InlineData("/a/file", "none of env://, tcp:// and file://")]
    [InlineData("?x://", "none of env://, tcp:// and file://")]
    [InlineData("env://host:1", "'host:1' follows")]
    [InlineData("env://?rang=1", "'rang' is none of rank")]
    [InlineData("tcp://", "no host and port")]
    [InlineData("tcp://host?rank=0&world_size=1", "no host and port")]
    [InlineData("tcp://:80?rank=0&world_size=1", "no host and port")]
    [InlineData("tcp://host:0?rank=0&world_size=1", "no host and port")]
    [InlineData("tcp://host:70000?rank=0&world_size=1", "no host and port")]
    [InlineData("tcp://ho st:80?rank=0&world_size=1", "no host and port")]
    [InlineData("tcp://host:80", "world_size is missing")]
    [InlineData("tcp://host:80?world_size=2", "rank is missing")]
    [InlineData("tcp://host:80?rank=2&world_size=2", "rank is 2, not a whole number from 0 to 1")]
    [InlineData("tcp://host:80?rank=0&world_size=0", "world_size is 0, not a whole number from 1")]
    [InlineData("tcp://host:80?rank=x&world_size=2", "rank is x,")]
    [InlineData("tcp://host:80?rank&world_size=2", "rank has no value")]
    [InlineData("tcp://host:80?rank=0&rank=1&world_size=2", "rank is given twice")]
    [InlineData("tcp://host:80?rank=0&world_size=4&local_world_size=2", "local_rank is missing")]
    [InlineData("file://?rank=0&world_size=1", "no whole path")]
    [InlineData("file://relative?rank=0&world_size=1", "no whole path")]
    [InlineData("file:///folder/?rank=0&world_size=1", "no whole path")]
    [InlineData("file:///folder/file?rank=0", "world_size is missing")]
    public void Parse_Malformed_SaysWhatIsWrong(string text, string expected)
    {
        string message = Assert.Throws<RendezvousException>(() => Parse(text)).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.StartsWith($"the rendezvous URL is invalid ({text}: ", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConnectStore_Tcp_MeetsAtRankZero()
    {
        string address = string.Create(CultureInfo.InvariantCulture, $"tcp://127.0.0.1:{FreePort()}");
        await MeetAsync(rank => $"{address}?rank={rank}&world_size=3");
    }

    [Fact]
    public async Task ConnectStore_File_MeetsInTheFileAndDeletesIt()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("convoy-url-tests-");
        try
        {
            string path = Path.Combine(folder.FullName, "meet").Replace('\\', '/');
            await MeetAsync(rank => $"file://{(path[0] == '/' ? "" : "/")}{path}?rank={rank}&world_size=3");
            Assert.Empty(folder.GetFiles());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task MeetAsync(Func<int, string> url)
    {
        Store[] stores = await Task.WhenAll(Enumerable.Range(0, 3).Select(rank => Task.Run(() => Parse(url(rank), ("CONVOY_JOB_SECRET", "s"), ("TORCHELASTIC_RESTART_COUNT", "1")).ConnectStore(Limit))));
        for (int rank = 0; rank < 3; rank++)
        {
            stores[rank].Set($"rank/{rank}", "here");
        }

        foreach (Store store in stores)
        {
            store.Wait(["rank/0", "rank/1", "rank/2"], Limit);
        }

        foreach (Store store in stores.Reverse())
        {
            store.Dispose();
        }
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private static RendezvousUrl Parse(string url, params (string Name, string Value)[] variables) =>
        RendezvousUrl.Parse(url, name => variables.FirstOrDefault(variable => variable.Name == name).Value);
}
