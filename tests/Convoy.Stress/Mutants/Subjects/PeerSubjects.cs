using System.Net;
using System.Text.Json;
using Convoy.Distributed.Launch;
using Convoy.Distributed.Launch.Membership;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of what launchers on several machines tell each other through their store.</summary>
internal static class PeerSubjects
{
    private const string RunId = "run";
    private const int Restarts = 3;
    private static readonly NodeIntroduction First = new("a host", 2, 0, 2, 2, RunId, Restarts);

    private static readonly NodeReport Failed = new([new WorkerFailure(1, 100, 1, "SIGKILL", ["a line"], "an error") { Host = "a host" }], false, null);

    public static IEnumerable<Subject> Make() =>
    [
        new("peer-introduction", FileForm.Json, "introduction.json")
        {
            Originals = () => [JsonSerializer.SerializeToUtf8Bytes(First)],
            Read = (folder, number) => Read(folder, "introduction.json", "job", board => board.ReadJob(TimeSpan.FromSeconds(10)).ProcessCount),
        },
        new("peer-start", FileForm.Json, "start.json")
        {
            Originals = () => [JsonSerializer.SerializeToUtf8Bytes(new NodeStart(0, 0, [new StartNode(1, "a host", 2), new StartNode(2, "another", 3)]))],
            Read = (folder, number) => Read(folder, "start.json", "start/0", board => board.Start(0) is { } start ? start.Nodes.Sum(node => node.ProcessCount) + (start.NodeRankOf(2) ?? 0) : 0),
        },
        new("peer-report", FileForm.Json, "report.json")
        {
            Originals = () => [JsonSerializer.SerializeToUtf8Bytes(Failed), JsonSerializer.SerializeToUtf8Bytes(new NodeReport([], true, "no program"))],
            Read = (folder, number) => Read(folder, "report.json", "0/report/1", board => Describe(board.FindReport<NodeReport>(0, 1)!.Failures)),
        },
        new("peer-outcome", FileForm.Json, "outcome.json")
        {
            Originals = () => [JsonSerializer.SerializeToUtf8Bytes(new NodeOutcome([Failed], NextStep.Restart, null))],
            Read = (folder, number) => Read(folder, "outcome.json", "0/outcome", board => Describe(board.FindOutcome<NodeOutcome>(0)!.Failures)),
        },
    ];

    private static int Describe(IReadOnlyList<WorkerFailure> failures) => failures.Sum(failure => failure.DescribeWithNode().Length + failure.LastLines.Count);

    private static bool Read(string folder, string file, string key, Func<JobBoard, int> read)
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, secret: null);
        using TcpStore store = Connect(server);
        store.Set(key, System.IO.File.ReadAllBytes(Path.Combine(folder, file)));
        return read(new JobBoard(store)) >= 0;
    }

    private static TcpStore Connect(TcpStoreServer server) => new("127.0.0.1", server.Port, timeout: TimeSpan.FromSeconds(10));
}
