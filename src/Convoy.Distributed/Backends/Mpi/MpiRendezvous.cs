using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// Where the ranks of an MPI job meet beside MPI: rank 0 serves a store, and tells the others by MPI at which addresses, with which port and
/// which secret. So nothing has to be set, and nobody joins whom MPI's launcher did not start.
/// </summary>
internal static class MpiRendezvous
{
    private const int NoticeBytes = 4096;
    private const int SecretBytes = 32;

    // A machine that does not answer at one address may do at the next.
    private static readonly TimeSpan TimeForAnAddress = TimeSpan.FromSeconds(3);

    /// <summary>The processes of all ranks. All ranks call it together.</summary>
    public static MpiProcess[] Introduce(MpiCommunicator communicator)
    {
        byte[] own = new byte[MpiProcess.Bytes], all = new byte[MpiProcess.Bytes * communicator.Size];
        MpiProcess.Current(communicator.Rank, IProcessTable.Current).Write(own);
        lock (communicator.Calls)
        {
            communicator.Library.AllGather(own, all, communicator.Handle);
        }

        return [.. Enumerable.Range(0, communicator.Size).Select(rank => MpiProcess.Read(rank, all.AsSpan(rank * MpiProcess.Bytes)))];
    }

    /// <summary>Serves the store on rank 0, and connects to it. All ranks call it together.</summary>
    /// <param name="communicator">All ranks.</param>
    /// <param name="processes">Their processes.</param>
    /// <param name="timeout">How long to try.</param>
    /// <param name="cancellation">Ends the attempts.</param>
    /// <exception cref="RendezvousException">Rank 0 cannot serve it, or does not answer at any of its addresses.</exception>
    /// <returns>The store, and what connects to it once more.</returns>
    public static (Store Store, Func<Store> Connect) Meet(MpiCommunicator communicator, MpiProcess[] processes, TimeSpan timeout, CancellationToken cancellation)
    {
        // Ranks that share their loopback need no other address, at which strangers could knock.
        bool isLocal = Array.TrueForAll(processes, process => process.Network != 0 && process.Network == processes[0].Network);
        string secret = Convert.ToHexString(RandomNumberGenerator.GetBytes(SecretBytes));
        TcpStoreServer? server = communicator.Rank == 0 ? Serve(isLocal, secret) : null;
        try
        {
            if (server is null)
            {
                string[] notice = Tell(communicator, "").Split('\n');
                int servedPort = int.Parse(notice[0], CultureInfo.InvariantCulture);
                (string address, TcpStore store) = Connect(notice[2..], servedPort, notice[1], timeout, cancellation);
                return (store, () => new TcpStore(address, servedPort, notice[1], TimeForAnAddress));
            }

            string port = server.Port.ToString(CultureInfo.InvariantCulture);
            Tell(communicator, string.Join('\n', (string[])[port, secret, .. isLocal ? [IPAddress.Loopback.ToString()] : Addresses(server.Address.AddressFamily)]));
            var own = new TcpStore(JobMaster.OwnAddress(server), server.Port, secret, timeout, server, cancellation);
            return (own, () => new TcpStore(JobMaster.OwnAddress(server), server.Port, secret, TimeForAnAddress));
        }
        catch
        {
            server?.Dispose();
            throw;
        }
    }

    private static TcpStoreServer Serve(bool isLocal, string secret)
    {
        if (isLocal)
        {
            return new TcpStoreServer(IPAddress.Loopback, 0, secret);
        }

        return new TcpStoreServer(Addresses(AddressFamily.InterNetwork).Length > 0 ? IPAddress.Any : IPAddress.IPv6Any, 0, secret);
    }

    private static string[] Addresses(AddressFamily family) =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces()
            .Where(adapter => adapter.OperationalStatus != OperationalStatus.Down && adapter.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(adapter => adapter.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .Where(address => address.AddressFamily == family && !address.IsIPv6LinkLocal && !IPAddress.IsLoopback(address))
            .Select(address => address.ToString())
            .Distinct()
            .Take(64),
    ];

    private static string Tell(MpiCommunicator communicator, string text)
    {
        byte[] notice = new byte[NoticeBytes];
        Encoding.UTF8.GetBytes(text, notice);
        lock (communicator.Calls)
        {
            communicator.Library.Broadcast(notice, communicator.Handle);
        }

        return Encoding.UTF8.GetString(notice).TrimEnd('\0');
    }

    private static (string Address, TcpStore Store) Connect(string[] addresses, int port, string secret, TimeSpan timeout, CancellationToken cancellation)
    {
        string[] own = Addresses(AddressFamily.InterNetwork);
        string[] nearest = [.. addresses.OrderByDescending(address => own.Select(mine => CommonLength(mine, address)).DefaultIfEmpty(0).Max())];
        var start = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            foreach (string address in nearest)
            {
                try
                {
                    TimeSpan limit = nearest.Length == 1 || timeout < TimeForAnAddress ? timeout : TimeForAnAddress;
                    return (address, new TcpStore(address, port, secret, limit, cancellation: cancellation));
                }
                catch (RendezvousException) when (start.Elapsed < timeout && nearest.Length > 1)
                {
                    // The next one, or this one again.
                }
            }

            if (start.Elapsed >= timeout || nearest.Length == 0)
            {
                throw new RendezvousException(FormattableString.Invariant(
                    $"rank 0 answers at none of its addresses ({string.Join(", ", addresses)}, port {port}). Allow connections between the hosts (firewall), or give rank 0's host an address that the others reach."));
            }
        }
    }

    private static int CommonLength(string one, string other) => one.Zip(other).TakeWhile(pair => pair.First == pair.Second).Count();
}
