using System.Globalization;
using System.Net;
using System.Net.Sockets;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>
/// While the ranks add tensors up, strangers connect to every port on which rank 0 listens, the store's and the MPI library's, and send what is in the argument: <c>random</c> bytes, <c>zeros</c>, a
/// <c>cut</c> message, or nothing on <c>many</c> connections. The sums stay right.
/// </summary>
internal static class StrangersKnock
{
    private const int Rounds = 40;
    private const int Elements = 1 << 16;
    private const int Strangers = 200;

    public static void Run(string[] args)
    {
        using ProcessGroup group = ProcessGroups.FromEnvironment(TimeSpan.FromSeconds(60));

        // The library listens on as many addresses as there are when it starts; rank 0 serves the store.
        IPEndPoint[][] ports = group.AllGatherObject(ListeningPorts().Select(port => port.ToString()).ToArray()).Select(texts => texts.Select(IPEndPoint.Parse).ToArray()).ToArray();
        Expect.True(ports[0].Length >= 2, $"rank 0 listens on {string.Join(", ", ports[0].AsEnumerable())}");
        int knocked = 0;
        using var done = new CancellationTokenSource();
        Task strangers = group.Rank == 1 ? Task.Run(() => Knock(ports[0], args[0], ref knocked, done.Token)) : Task.CompletedTask;
        int rounds = 0;
        using Tensor goOn = ones(1, float32);
        while (goOn.item<float>() > 0)
        {
            using Tensor values = full([Elements], group.Rank + 1f, float32);
            group.AllReduce(values, ReduceOp.Sum);
            Expect.True(values.eq(group.Size * (group.Size + 1) / 2).all().item<bool>(), $"the sum of round {rounds} is wrong");
            goOn.fill_(group.Rank != 1 || (++rounds >= Rounds && Volatile.Read(ref knocked) >= Strangers) ? 0f : 1f);
            group.AllReduce(goOn, ReduceOp.Max);
        }

        done.Cancel();
        strangers.GetAwaiter().GetResult();
        group.Barrier();
    }

    private static void Knock(IPEndPoint[] ports, string what, ref int knocked, CancellationToken cancellation)
    {
        var random = new Random(5);
        var open = new List<Socket>();
        while (!cancellation.IsCancellationRequested)
        {
            IPEndPoint port = ports[random.Next(ports.Length)];
            var stranger = new Socket(port.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            stranger.Connect(port);
            try
            {
                stranger.Send(Message(what, random));
            }
            catch (SocketException)
            {
                // It was shown the door meanwhile.
            }

            if (what == "many" && open.Count < Strangers)
            {
                open.Add(stranger);
            }
            else
            {
                stranger.Dispose();
            }

            Interlocked.Increment(ref knocked);
        }

        open.ForEach(stranger => stranger.Dispose());
    }

    private static byte[] Message(string what, Random random)
    {
        byte[] message = what switch { "cut" => new byte[random.Next(1, 8)], "many" => [], _ => new byte[random.Next(1, 5000)] };
        if (what != "zeros")
        {
            random.NextBytes(message);
        }

        return message;
    }

    // Of this process: the sockets among its descriptors that /proc/net/tcp has as listening (state 0A).
    private static IPEndPoint[] ListeningPorts()
    {
        HashSet<string?> own = [.. Directory.GetFiles("/proc/self/fd").Select(file => new FileInfo(file).LinkTarget)];
        return
        [
            .. from line in File.ReadLines("/proc/self/net/tcp").Skip(1)
               let fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
               where fields[3] == "0A" && own.Contains($"socket:[{fields[9]}]")
               let parts = fields[1].Split(':')
               select new IPEndPoint(uint.Parse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), int.Parse(parts[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
        ];
    }
}
