using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>The process of a rank, as the others learn it when they join.</summary>
/// <param name="Rank">Its rank among all.</param>
/// <param name="ProcessId">Its number on its machine.</param>
/// <param name="Start">When it started, see <see cref="ProcessIdentity"/>.</param>
/// <param name="Place">Where process numbers are the same: the machine's present run and the container, hashed; 0: unknown.</param>
/// <param name="Network">Where loopback is the same: that and the network's name space, hashed; 0: unknown.</param>
internal readonly record struct MpiProcess(int Rank, int ProcessId, long Start, long Place, long Network)
{
    /// <summary>The size of what <see cref="Write"/> writes.</summary>
    public const int Bytes = 32;

    private const string NetworkFile = "/proc/self/ns/net";

    /// <summary>This process.</summary>
    public static MpiProcess Current(int rank, IProcessTable processes)
    {
        ProcessIdentity self = ProcessIdentity.CurrentIn(processes);
        string network = OperatingSystem.IsLinux() && new FileInfo(NetworkFile).LinkTarget is { } link ? $"{processes.Place} {link}" : processes.Place;
        return new MpiProcess(rank, self.ProcessId, self.Start, Hash(processes.Place), Hash(network));
    }

    public static MpiProcess Read(int rank, ReadOnlySpan<byte> from) => new(
        rank, (int)BinaryPrimitives.ReadInt64LittleEndian(from), BinaryPrimitives.ReadInt64LittleEndian(from[8..]), BinaryPrimitives.ReadInt64LittleEndian(from[16..]), BinaryPrimitives.ReadInt64LittleEndian(from[24..]));

    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteInt64LittleEndian(to, ProcessId);
        BinaryPrimitives.WriteInt64LittleEndian(to[8..], Start);
        BinaryPrimitives.WriteInt64LittleEndian(to[16..], Place);
        BinaryPrimitives.WriteInt64LittleEndian(to[24..], Network);
    }

    /// <summary>Whether this process can see it in its system's table of processes.</summary>
    public bool IsNear(IProcessTable processes) => Place != 0 && Place == Hash(processes.Place);

    /// <summary>Whether it is seen to have ended.</summary>
    public bool HasEnded(IProcessTable processes) => IsNear(processes) && new ProcessIdentity(ProcessId, Start).HasEnded(processes);

    /// <summary>Whether it is seen to be stopped.</summary>
    public bool IsStopped(IProcessTable processes) => IsNear(processes) && new ProcessIdentity(ProcessId, Start).IsStopped(processes);

    private static long Hash(string text) => text.Length == 0 ? 0 : BinaryPrimitives.ReadInt64LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes(text))) | 1;
}
