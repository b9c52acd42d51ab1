using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// Windows, macOS and whatever else .NET runs on: mapped files in the folder for temporary files, looking again every
/// millisecond. It makes no call to the system but through .NET.
/// </summary>
internal sealed class PortablePlatform : PortableProcesses, IPlatform
{
    private const int BlockBytes = 1 << 20;

    public string Folder { get; } = Path.GetTempPath();

    public bool CanUnlinkMapped => !OperatingSystem.IsWindows();

    public IWordWaiter Waiter { get; } = new PollingWaiter();

    public FileStream? CreateUnnamed() => null;

    public string PathOfOpenFile(int processId, int descriptor) => throw new NotSupportedException("this platform has no files without a name.");

    // Only what is written is sure to have room: a file that is merely made longer may be sparse.
    public void Reserve(FileStream stream, long bytes)
    {
        byte[] zeros = new byte[(int)Math.Min(bytes, BlockBytes)];
        for (long written = 0; written < bytes; written += BlockBytes)
        {
            stream.Write(zeros, 0, (int)Math.Min(zeros.Length, bytes - written));
        }

        stream.Flush();
    }
}
