using System.Net;
using System.Net.Sockets;
using System.Text;
using Convoy.Distributed;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Readers of stores: the file of a file store, and both ends of a TCP store.</summary>
internal static class StoreSubjects
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(20);

    public static IEnumerable<Subject> Make() =>
    [
        new("file-store", FileForm.Bytes, "store") { Originals = () => [StoreFile()], Read = ReadStoreFile },
        new("store-requests", FileForm.Bytes, "requests") { Originals = () => [Frames(Requests().Select(request => request.ToBytes()))], Read = ReadRequests },
        new("store-replies", FileForm.Bytes, "reply")
        {
            Originals = () => [Frames([StoreReply.Done(BitConverter.GetBytes(5L)).ToBytes()])],
            Refusals = () => [Frames([StoreReply.TimedOut(["a", "b"]).ToBytes()]), Frames([StoreReply.Closed(["a"]).ToBytes()]), Frames([StoreReply.Refused("no").ToBytes()])],
            Read = ReadReply,
        },
    ];

    private static byte[] StoreFile()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("convoy-mutants-");
        try
        {
            string path = Path.Combine(folder.FullName, "store");
            using (var store = new FileStore(path))
            {
                Fill(store);
            }

            return System.IO.File.ReadAllBytes(path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static void Fill(Store store)
    {
        store.Set("key", "value");
        store.Add("count", 5);
        store.Set("gone", "value");
        store.Delete("gone");
    }

    private static bool ReadStoreFile(string folder, int number)
    {
        using var store = new FileStore(Path.Combine(folder, "store"), worldSize: 4, TimeSpan.FromMilliseconds(500));
        _ = store.CountKeys();
        _ = store.Contains("key") ? store.GetText("key", Short) : null;
        _ = store.CompareSet("key", "value", "other");
        _ = store.Add("count", 1);
        Fill(store);
        return true;
    }

    private static IEnumerable<StoreRequest> Requests() =>
    [
        new(StoreOperation.Set, ["key"], Encoding.UTF8.GetBytes("value"), 0), new(StoreOperation.Get, ["key"], [], 1000), new(StoreOperation.Add, ["count"], [], 5), StoreRequest.CompareSet("key", "value"u8, "other"u8),
        new(StoreOperation.Contains, ["key", "count"], [], 0), new(StoreOperation.CountKeys, [], [], 0), new(StoreOperation.Wait, ["key", "count"], [], 1000), new(StoreOperation.Delete, ["key"], [], 0),
    ];

    private static byte[] Frames(IEnumerable<byte[]> contents)
    {
        using var stream = new MemoryStream();
        foreach (byte[] content in contents)
        {
            StoreProtocol.WriteFrameAsync(stream, content, CancellationToken.None).GetAwaiter().GetResult();
        }

        return stream.ToArray();
    }

    // What the server does with a connection's bytes once it knows the secret. The two exceptions close the connection.
    private static bool ReadRequests(string folder, int number)
    {
        using var stream = new MemoryStream(System.IO.File.ReadAllBytes(Path.Combine(folder, "requests")));
        var table = new StoreTable();
        using var stop = new CancellationTokenSource();
        try
        {
            while (stream.Position < stream.Length)
            {
                var request = StoreRequest.FromBytes(StoreProtocol.ReadFrameAsync(stream, StoreProtocol.MaximumFrameBytes, stop.Token).GetAwaiter().GetResult());
                Task<StoreReply> answer = table.AnswerAsync(request, stop.Token);
                if (!answer.IsCompleted)
                {
                    table.Close();
                }

                _ = answer.GetAwaiter().GetResult().ToBytes();
            }

            return true;
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            return false;
        }
    }

    // A server that knows the secret and answers one request with the file.
    private static bool ReadReply(string folder, int number)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Task serving = ServeAsync(listener, System.IO.File.ReadAllBytes(Path.Combine(folder, "reply")));
        try
        {
            using var store = new TcpStore("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, timeout: TimeSpan.FromSeconds(5));
            Ask(store, number);
            return true;
        }
        finally
        {
            serving.GetAwaiter().GetResult();
        }
    }

    private static void Ask(TcpStore store, int number)
    {
        switch (number % 7)
        {
            case 0:
                store.Set("key", "value");
                break;
            case 1:
                _ = store.GetText("key");
                break;
            case 2:
                store.Wait(["key", "count"]);
                break;
            case 3:
                _ = store.Delete("key");
                break;
            case 4:
                _ = store.Contains("key");
                break;
            case 5:
                _ = store.CompareSet("key", "value", "other");
                break;
            default:
                _ = number % 2 == 0 ? store.CountKeys() : store.Add("count", 1);
                break;
        }
    }

    private static async Task ServeAsync(TcpListener listener, byte[] reply)
    {
        using TcpClient client = await listener.AcceptTcpClientAsync();
        NetworkStream stream = client.GetStream();
        await StoreHandshake.AdmitAsync(stream, secret: null, () => true, CancellationToken.None);
        await StoreProtocol.ReadFrameAsync(stream, StoreProtocol.MaximumFrameBytes, CancellationToken.None);
        await stream.WriteAsync(reply);
    }
}
