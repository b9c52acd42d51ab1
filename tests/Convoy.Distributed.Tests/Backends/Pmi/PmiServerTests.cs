using System.Net;
using System.Net.Sockets;
using System.Text;
using Convoy.Distributed.Backends.Mpi;
using Convoy.Distributed.Backends.Mpi.Pmi;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Backends.Pmi;

/// <summary>The connection and the variables, with the test in the library's place. The variables are the process's, so one test at a time.</summary>
public sealed class PmiServerTests : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly TcpStoreServer _storeServer = new(IPAddress.Loopback, 0, "known here only");
    private readonly TcpStore _store;

    public PmiServerTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The connection is made by Linux's socketpair.");
        _store = new TcpStore("127.0.0.1", _storeServer.Port, "known here only", Timeout);
    }

    [Fact]
    public void Run_LibraryAsks_FindsItsVariablesAndAnswers()
    {
        NativeEnvironment.Set("PMI_RANK", "before");
        NativeEnvironment.Set("PMI_PORT", "host:1");
        try
        {
            using PmiServer server = Server(1);
            Assert.False(server.WasAsked);
            string answer = server.Run("a test", () =>
            {
                Assert.Equal(("1", "3", null), (NativeEnvironment.Get("PMI_RANK"), NativeEnvironment.Get("PMI_SIZE"), NativeEnvironment.Get("PMI_PORT")));
                using Socket library = Library();
                return Ask(library, "cmd=get_universe_size\n");
            });
            Assert.Equal("cmd=universe_size size=3 rc=0\n", answer);
            Assert.True(server.WasAsked);
            Assert.Equal(("before", null, "host:1"), (NativeEnvironment.Get("PMI_RANK"), NativeEnvironment.Get("PMI_FD"), NativeEnvironment.Get("PMI_PORT")));
        }
        finally
        {
            NativeEnvironment.Unset("PMI_RANK");
            NativeEnvironment.Unset("PMI_PORT");
        }
    }

    [Fact]
    public void Run_LinesInPiecesAndTogether_AnswersEach()
    {
        using PmiServer server = Server(0);
        string answers = server.Run("a test", () =>
        {
            using Socket library = Library();
            foreach (string piece in (string[])["cmd=get_", "appnum", "\ncmd=get_my_kvsname\ncmd=get", "_appnum\n"])
            {
                library.Send(Encoding.Latin1.GetBytes(piece));
            }

            const string Expected = "cmd=appnum appnum=0 rc=0\ncmd=my_kvsname kvsname=convoy rc=0\ncmd=appnum appnum=0 rc=0\n";
            var found = new StringBuilder();
            while (found.Length < Expected.Length)
            {
                found.Append(Receive(library));
            }

            Assert.Equal(Expected, found.ToString());
            return "";
        });
        Assert.Equal("", answers);
    }

    [Fact]
    public void Run_LibraryAborts_ThrowsAndTellsTheOthers()
    {
        // The library asks the one that was made last.
        using PmiServer other = Server(2), server = Server(1);
        MpiAbortException error = Assert.Throws<MpiAbortException>(() => server.Run("a test", () => Hang("cmd=abort exitcode=5 message=no network\n")));
        Assert.Equal("the MPI library gave up with exit code 5: no network", error.Message);
        Assert.Equal($"a call: rank 1 (process {Environment.ProcessId}) has given up: {error.Message}", other.GivenUp("a call")?.Message);
        Assert.Null(server.GivenUp("a call"));
    }

    [Fact]
    public void Run_LineWithoutEnd_Throws()
    {
        using PmiServer server = Server(1);
        RendezvousException error = Assert.Throws<RendezvousException>(() => server.Run("a test", () => Hang(new string('x', PmiSession.MaximumLineBytes))));
        Assert.StartsWith("the MPI library asked its process manager in a line of more than 65536 bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_CallFails_ThrowsItsError()
    {
        using PmiServer server = Server(1);
        Assert.Equal("of the call", Assert.Throws<InvalidDataException>(() => server.Run<int>("a test", () => throw new InvalidDataException("of the call"))).Message);
    }

    [Fact]
    public async Task Run_CancelledWhileTheLibraryWaits_Ends()
    {
        using var stop = new CancellationTokenSource();
        using PmiServer server = Server(1, stop.Token);
        Task<OperationCanceledException> waiting = Task.Run(() => Assert.ThrowsAny<OperationCanceledException>(() => server.Run("a test", () => Hang("cmd=barrier_in\n"))));
        while (_storeServer.Waiting == 0)
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        await stop.CancelAsync();
        await waiting;
    }

    // A library that asks nonsense, as one of another kind would: each line is answered, refused or ends the connection, and nothing else happens.
    [Fact]
    public void Run_RandomLines_AnswersOrThrowsOneOfItsErrors()
    {
        const string Words = "cmd=put cmd=get mcmd=spawn endcmd cmd=init key= key=k value= value=v kvsname=convoy pmi_version=1 cmd=abort exitcode= message= totspawns=-1 totspawns=2 = \\ \\\\ \0 ÿ";
        string[] words = Words.Split(' ');
        var random = new Random(7);
        for (int trial = 0; trial < 300; trial++)
        {
            var text = new StringBuilder();
            for (int i = random.Next(1, 12); i > 0; i--)
            {
                text.Append(words[random.Next(words.Length)]).Append(random.Next(4) == 0 ? '\n' : ' ');
            }

            using PmiServer server = Server(1);
            try
            {
                server.Run("a test", () =>
                {
                    using Socket library = Library();
                    library.Send(Encoding.Latin1.GetBytes(text.ToString()));
                    library.Shutdown(SocketShutdown.Send);
                    while (Receive(library).Length > 0)
                    {
                    }

                    return true;
                });
            }
            catch (DistributedException error)
            {
                Assert.True(error is MpiAbortException or RendezvousException, $"{text}: {error}");
            }
        }
    }

    public void Dispose()
    {
        _store.Dispose();
        _storeServer.Dispose();
    }

    private static int Hang(string request)
    {
        // As a library: its end stays open, and it waits for an answer.
        Socket library = Library();
        library.Send(Encoding.Latin1.GetBytes(request));
        return Receive(library).Length;
    }

    private static Socket Library() => new(new SafeSocketHandle(int.Parse(NativeEnvironment.Get("PMI_FD")!), ownsHandle: true));

    private static string Ask(Socket library, string request)
    {
        library.Send(Encoding.Latin1.GetBytes(request));
        return Receive(library);
    }

    private static string Receive(Socket library)
    {
        byte[] buffer = new byte[4096];
        return Encoding.Latin1.GetString(buffer, 0, library.Receive(buffer));
    }

    private PmiServer Server(int rank, CancellationToken cancellation = default) => new(_store, rank, HostLayout.Blocks(1, 2), Timeout, cancellation);
}
