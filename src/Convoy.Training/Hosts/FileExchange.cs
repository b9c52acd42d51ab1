using Convoy.Distributed;
using static TorchSharp.torch;

namespace Convoy.Training.Hosts;

/// <summary>Files from rank 0 to other ranks through the process group, for hosts without a common file system.</summary>
internal static class FileExchange
{
    private const int ChunkBytes = 16 << 20;

    /// <summary>Sends the files of a folder, not those of folders in it. All ranks call it together.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="folder">On rank 0 the folder; on a rank that receives where to put its files, made when absent.</param>
    /// <param name="receives">Whether this rank, one other than 0, wants them.</param>
    /// <exception cref="IOException">A file cannot be read, or not be written.</exception>
    public static void Send(ProcessGroup group, string folder, bool receives)
    {
        ArgumentNullException.ThrowIfNull(group);
        bool sends = group.Rank == 0;
        SentFile[] files = group.BroadcastObject<SentFile[]>(sends ? [.. new DirectoryInfo(folder).GetFiles().OrderBy(file => file.Name, StringComparer.Ordinal).Select(file => new SentFile(file.Name, file.Length))] : []);
        if (receives)
        {
            Directory.CreateDirectory(folder);
        }

        foreach (SentFile file in files)
        {
            string path = Path.Combine(folder, file.Name);
            using FileStream? stream = sends ? File.OpenRead(path) : receives ? File.Create(path) : null;
            for (long sent = 0; sent < file.Length; sent += ChunkBytes)
            {
                Send(group, stream, new byte[Math.Min(ChunkBytes, file.Length - sent)]);
            }
        }
    }

    private static void Send(ProcessGroup group, FileStream? stream, byte[] bytes)
    {
        if (group.Rank == 0)
        {
            stream!.ReadExactly(bytes);
        }

        using Tensor chunk = tensor(bytes, dtype: ScalarType.Byte);
        group.Broadcast(chunk, root: 0);
        if (group.Rank != 0)
        {
            stream?.Write(chunk.data<byte>().ToArray());
        }
    }

    /// <summary>A file that is to come.</summary>
    private sealed record SentFile(string Name, long Length);
}
