using System.Net;
using System.Text;
using Convoy.Distributed;
using Convoy.Distributed.Backends.Mpi.Pmi;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of what is said while MPI starts without its launcher: an MPI library's questions, and what the ranks tell each other in the store.</summary>
internal static class MpiSubjects
{
    private const string Session = """
        cmd=init pmi_version=1 pmi_subversion=1
        cmd=get_maxes
        cmd=get_appnum
        cmd=get_my_kvsname
        cmd=get kvsname=convoy key=PMI_process_mapping
        cmd=put kvsname=convoy key=-allgather-shm-1-0 value=20010BEB6F06C1FA682000637577CC2B
        cmd=barrier_in
        cmd=get kvsname=convoy key=-allgather-shm-1-0
        mcmd=spawn
        nprocs=2
        totspawns=1
        execname=a program
        endcmd
        cmd=publish_name service=s port=p
        cmd=getbyidx kvsname=convoy idx=0
        cmd=finalize

        """;

    public static IEnumerable<Subject> Make() =>
    [
        new("pmi-session", FileForm.Text, "session")
        {
            Originals = () => [Encoding.Latin1.GetBytes(Session)],
            Refusals = () => [Encoding.Latin1.GetBytes("cmd=abort exitcode=3 message=no network\n"), Encoding.Latin1.GetBytes("cmd=fence\n")],
            Read = ReadSession,
        },
        new("rank-locations", FileForm.Text, "hosts")
        {
            Originals = () => [Encoding.UTF8.GetBytes("0 2 a\n1 2 a\n0 1 b"), Encoding.UTF8.GetBytes("0 2 a\n0 1 b\n1 2 a")],
            Refusals = () => [Encoding.UTF8.GetBytes("0 2 a\n1 2 b"), Encoding.UTF8.GetBytes("0 1")],
            Read = (folder, number) => ProcessMapping.Describe(RankLocations.Layout([.. TextIn(folder, "hosts", Encoding.UTF8).Split('\n').Select(RankLocation.Parse)])).Length > 0,
        },
    ];

    private static bool ReadSession(string folder, int number)
    {
        using var server = new TcpStoreServer(IPAddress.Loopback, 0, secret: null);
        using var store = new TcpStore("127.0.0.1", server.Port, timeout: TimeSpan.FromSeconds(10));
        var hosts = HostLayout.Blocks(1);
        var session = new PmiSession(store, 0, hosts, new PmiBarrier(store, 0, hosts, TimeSpan.FromSeconds(10), CancellationToken.None));
        foreach (string line in TextIn(folder, "session", Encoding.Latin1).Split('\n')[..^1])
        {
            if (session.Answer(line) is { } answer && answer.Contains('\n', StringComparison.Ordinal))
            {
                throw new InvalidDataException($"an answer of two lines: {answer}");
            }
        }

        return true;
    }

    private static string TextIn(string folder, string file, Encoding encoding) => encoding.GetString(System.IO.File.ReadAllBytes(Path.Combine(folder, file)));
}
