using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>Where a job's store is served when rank 0 does.</summary>
internal static class JobMaster
{
    // Below what the systems hand out to programs that ask for any free port.
    private const int FirstPort = 20000;

    private const int Ports = 12000;

    /// <summary>
    /// A port and a secret that all processes of one job derive from the job's identity. The port spares the user
    /// a variable; the secret keeps two jobs apart whose ports happen to be the same. It does not keep out anyone who knows the identity.
    /// </summary>
    public static (int Port, string Secret) Derive(string identity)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"convoy {Environment.UserName} {identity}"));
        return (FirstPort + (int)(BinaryPrimitives.ReadUInt32LittleEndian(hash) % Ports), Convert.ToHexString(hash, 4, 16));
    }

    /// <summary>
    /// Serves the store at <paramref name="host"/>'s own address only, so on loopback when that is a loopback one. An address that
    /// is none of this machine's, a container's outer one, say, is listened for on all interfaces.
    /// </summary>
    /// <exception cref="RendezvousException">The name is unknown, or the port is taken.</exception>
    public static TcpStoreServer Serve(string host, int port, string? secret)
    {
        IPAddress address = AddressOf(host);
        return new TcpStoreServer(IsOfThisMachine(address) ? address : address.AddressFamily == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Any : IPAddress.Any, port, secret);
    }

    /// <summary>The address at which a process reaches the server that it hosts itself.</summary>
    public static string OwnAddress(TcpStoreServer server) =>
        server.Address.Equals(IPAddress.Any) ? "127.0.0.1" : server.Address.Equals(IPAddress.IPv6Any) ? "::1" : server.Address.ToString();

    /// <summary>Whether a name or an address is this machine's.</summary>
    /// <exception cref="RendezvousException">The name is unknown.</exception>
    public static bool IsOfThisMachine(string host) => IsOfThisMachine(AddressOf(host));

    private static IPAddress AddressOf(string host)
    {
        if (IPAddress.TryParse(host, out IPAddress? address))
        {
            return address;
        }

        try
        {
            IPAddress[] addresses = Dns.GetHostAddresses(host);
            return addresses.FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses[0];
        }
        catch (SocketException error)
        {
            throw new RendezvousException($"MASTER_ADDR is not a known host ({host}: {error.SocketErrorCode}). Set it to the address of the machine that runs rank 0.", error);
        }
    }

    private static bool IsOfThisMachine(IPAddress address)
    {
        using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Bind(new IPEndPoint(address, 0));
            return true;
        }
        catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            return false;
        }
    }
}
