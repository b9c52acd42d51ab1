using System.Net;
using System.Net.Sockets;

namespace Convoy.Tests;

/// <summary>Ports of this machine for launchers that have to know them beforehand.</summary>
internal static class FreePorts
{
    /// <summary>The first of two neighbours that are free now: the launchers' and the ranks'.</summary>
    public static int Pair()
    {
        while (true)
        {
            using var first = new TcpListener(IPAddress.Loopback, 0);
            first.Start();
            int port = ((IPEndPoint)first.LocalEndpoint).Port;
            try
            {
                using var second = new TcpListener(IPAddress.Loopback, port + 1);
                second.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken: try another pair.
            }
        }
    }
}
