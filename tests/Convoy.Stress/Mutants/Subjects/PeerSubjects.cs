using System.Net;
using System.Text.Json;
using Convoy.Distributed.Launch;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of what launchers on several machines tell each other through their store.</summary>
internal static class PeerSubjects
{
    private const string RunId = "run";
    private const int Restarts = 3;
    private static readonly NodeIntroduction First = new("a host", 2, 2, RunId, Restarts);

    public static IEnumerable<Subject> Make() =>
    [
        new("peer-introduction", FileForm.Json, "introduction.json")
        {
            Originals = () => [JsonSerializer.SerializeToUtf8Bytes(First)],
            Read = (folder, number) =>
            {
                using var server = new TcpStoreServer(IPAddress.Loopback, 0, secret: null);
                using PeerNodes peers = Join(server, System.IO.File.ReadAllBytes(Path.Combine(folder, "introduction.json")));
                return peers.Place.WorldSize > 0 && peers.MaxRestarts >= 0;
            },
        },
        new("peer-report", FileForm.Json, "report.json")
        {
            Originals = () => [JsonSerializer.SerializeToUtf8Bytes(new NodeReport([new WorkerFailure(1, 100, 1, "SIGKILL", ["a line"], "an error") { Host = "a host" }], false, null)), JsonSerializer.SerializeToUtf8Bytes(new NodeReport([], true, "no program"))],
            Read = ReadReport,
        },
    ];

    private static bool ReadReport(string folder, int number)
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, secret: null);
        using PeerNodes peers = Join(server, JsonSerializer.SerializeToUtf8Bytes(First));
        using (TcpStore store = Connect(server))
        {
            store.Set("0/end/0", System.IO.File.ReadAllBytes(Path.Combine(folder, "report.json")));
            store.Add("0/ended", 1);
        }

        IReadOnlyList<NodeReport> reports = peers.WatchAsync(0, new TaskCompletionSource<StopReason>(), Task.FromResult(new NodeReport([], false, null))).GetAwaiter().GetResult();
        foreach (WorkerFailure failure in WorkerFailure.CauseFirst(reports.SelectMany(report => report.Failures)))
        {
            _ = failure.DescribeWithNode().Length + failure.LastLines.Count;
        }

        return true;
    }

    private static PeerNodes Join(TcpStoreServer server, byte[] introductionOfTheFirst)
    {
        using TcpStore store = Connect(server);
        store.Set("node/0", introductionOfTheFirst);
        var options = new LauncherOptions
        {
            Program = LaunchProgram.ThisProgram(),
            ProcessCount = 1,
            NodeCount = 2,
            NodeRank = 1,
            MasterPort = server.Port,
            MaxRestarts = Restarts,
            JoinTimeoutSeconds = 10,
        };
        return PeerNodes.JoinAsync(options, RunId, IPAddress.Loopback, CancellationToken.None).GetAwaiter().GetResult();
    }

    private static TcpStore Connect(TcpStoreServer server) => new("127.0.0.1", server.Port, timeout: TimeSpan.FromSeconds(10));
}
