using System.Security.Cryptography;
using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// How a client and the server of a store show each other that they know the job's secret, which itself never travels.
/// The server greets and sends a random number S. The client answers with a random number C and the HMAC-SHA256 of
/// ("client", S, C) under the secret. The server replies with the HMAC of ("server", S, C), or refuses. The labels
/// keep one side's proof from serving as the other's; the two numbers keep an old proof from serving again. No secret is
/// the same as an empty one.
/// </summary>
internal static class StoreHandshake
{
    private const int NumberBytes = 32;

    private const int ProofBytes = 32;

    /// <summary>Opens the server's first frame: says who it is and which protocol it speaks.</summary>
    private static ReadOnlySpan<byte> Greeting => "convoy-store-2\n"u8;

    /// <summary>The server's side; gives whether the client knows the secret. The reply to a client that does comes from <paramref name="admit"/>.</summary>
    /// <param name="stream">The connection.</param>
    /// <param name="secret">The job's secret.</param>
    /// <param name="admit">Asked last: whether the connection is still to be let in.</param>
    /// <param name="stop">Ends the attempt.</param>
    /// <exception cref="InvalidDataException">The client speaks something else.</exception>
    public static async Task<bool> AdmitAsync(Stream stream, string? secret, Func<bool> admit, CancellationToken stop)
    {
        byte[] server = RandomNumberGenerator.GetBytes(NumberBytes);
        await StoreProtocol.WriteFrameAsync(stream, (byte[])[.. Greeting, .. server], stop).ConfigureAwait(false);
        byte[] answer = await StoreProtocol.ReadFrameAsync(stream, NumberBytes + ProofBytes, stop).ConfigureAwait(false);
        if (answer.Length != NumberBytes + ProofBytes)
        {
            throw new InvalidDataException("an answer of wrong length");
        }

        byte[] client = answer[..NumberBytes];
        bool known = CryptographicOperations.FixedTimeEquals(answer.AsSpan(NumberBytes), Proof("client"u8, secret, server, client));
        if (known && !admit())
        {
            return false;
        }

        StoreReply reply = known ? StoreReply.Done(Proof("server"u8, secret, server, client)) : StoreReply.Refused("it has a different secret");
        await StoreProtocol.WriteFrameAsync(stream, reply.ToBytes(), stop).ConfigureAwait(false);
        return known;
    }

    /// <summary>The client's side.</summary>
    /// <param name="stream">The connection.</param>
    /// <param name="secret">The job's secret.</param>
    /// <param name="where">The server's address, for messages.</param>
    /// <param name="stop">Ends the attempt.</param>
    /// <exception cref="RendezvousException">The server is none of Convoy's, refuses this client, or does not know the secret.</exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public static async Task IntroduceAsync(Stream stream, string? secret, string where, CancellationToken stop)
    {
        byte[] server, client = RandomNumberGenerator.GetBytes(NumberBytes);
        StoreReply reply;
        try
        {
            byte[] greeting = await StoreProtocol.ReadFrameAsync(stream, Greeting.Length + NumberBytes, stop).ConfigureAwait(false);
            if (!greeting.AsSpan().StartsWith(Greeting) || greeting.Length != Greeting.Length + NumberBytes)
            {
                throw new InvalidDataException("another greeting");
            }

            server = greeting[Greeting.Length..];
            await StoreProtocol.WriteFrameAsync(stream, (byte[])[.. client, .. Proof("client"u8, secret, server, client)], stop).ConfigureAwait(false);
            reply = StoreReply.FromBytes(await StoreProtocol.ReadFrameAsync(stream, Store.MaximumKeyBytes, stop).ConfigureAwait(false));
        }
        catch (InvalidDataException error)
        {
            throw new RendezvousException($"the program at {where} is not a Convoy store. Set MASTER_PORT to the port of the job's store.", error);
        }

        if (reply.Status != StoreStatus.Done)
        {
            throw new RendezvousException($"the store at {where} refused this process: {reply.Text}. Give every process of the job the same {RankEnvironment.JobSecretVariable}, and each job a port of its own.");
        }

        if (!CryptographicOperations.FixedTimeEquals(reply.Payload, Proof("server"u8, secret, server, client)))
        {
            throw new RendezvousException($"the store at {where} does not know the job's secret: it belongs to another job. Check which program uses that port, or set MASTER_PORT to another one.");
        }
    }

    private static byte[] Proof(ReadOnlySpan<byte> label, string? secret, ReadOnlySpan<byte> server, ReadOnlySpan<byte> client) =>
        HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret ?? ""), (byte[])[.. label, .. server, .. client]);
}
