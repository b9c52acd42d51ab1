using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// What travels between <see cref="TcpStore"/> and <see cref="TcpStoreServer"/>. Every message is a frame: its length (4 bytes,
/// little endian) and that many bytes. The server opens with a challenge; the client answers it with the HMAC of the challenge
/// under the job's secret, so the secret itself never travels. Then each request is answered by one reply.
/// </summary>
internal static class StoreProtocol
{
    /// <summary>Opens the server's first frame: says who it is and which protocol it speaks.</summary>
    public static ReadOnlySpan<byte> Greeting => "convoy-store-1\n"u8;

    public const int ChallengeBytes = 32;

    public const int AnswerBytes = 32;

    /// <summary>Longest frame of a client that has shown the secret: a value of 16 MiB and its key.</summary>
    public const int MaximumFrameBytes = (16 << 20) + 4096;

    public const int MaximumKeyBytes = 1024;

    public const int MaximumKeys = 65536;

    public static byte[] Answer(string? secret, ReadOnlySpan<byte> challenge) =>
        HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret ?? ""), challenge);

    public static async Task WriteFrameAsync(Stream stream, ReadOnlyMemory<byte> body, CancellationToken stop)
    {
        // One write, so that a frame is one packet where it fits.
        byte[] frame = new byte[4 + body.Length];
        BinaryPrimitives.WriteInt32LittleEndian(frame, body.Length);
        body.CopyTo(frame.AsMemory(4));
        await stream.WriteAsync(frame, stop).ConfigureAwait(false);
    }

    /// <exception cref="InvalidDataException">The frame says that it is longer than <paramref name="maximumBytes"/>.</exception>
    /// <exception cref="EndOfStreamException">The other side closed the connection.</exception>
    public static async Task<byte[]> ReadFrameAsync(Stream stream, int maximumBytes, CancellationToken stop)
    {
        byte[] header = new byte[4];
        await stream.ReadExactlyAsync(header, stop).ConfigureAwait(false);
        int length = BinaryPrimitives.ReadInt32LittleEndian(header);
        if (length < 0 || length > maximumBytes)
        {
            throw new InvalidDataException(FormattableString.Invariant($"a message of {length} bytes, where at most {maximumBytes} are allowed"));
        }

        byte[] body = new byte[length];
        await stream.ReadExactlyAsync(body, stop).ConfigureAwait(false);
        return body;
    }
}
