using System.ComponentModel;
using System.Diagnostics;

namespace Convoy.Distributed.Backends.SharedMemory.Platform;

/// <summary>
/// Windows, macOS and whatever else .NET runs on: mapped files in the folder for temporary files, looking again every
/// millisecond. It makes no call to the system but through .NET.
/// </summary>
internal sealed class PortablePlatform : IPlatform
{
    private const int BlockBytes = 1 << 20;

    public string Folder { get; } = Path.GetTempPath();

    public string Place => string.Empty;

    public bool CanUnlinkMapped => !OperatingSystem.IsWindows();

    public IWordWaiter Waiter { get; } = new PollingWaiter();

    // Some systems derive the time from when they were booted, which each process works out with a small error.
    public long StartTolerance => 2 * TimeSpan.TicksPerSecond;

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

    public ProcessStatus? Inspect(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return process.HasExited ? null : new ProcessStatus(process.StartTime.ToUniversalTime().Ticks, IsStopped: false);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            return null; // No such process, or it ended just now.
        }
        catch (Exception error) when (error is Win32Exception or NotSupportedException)
        {
            return new ProcessStatus(0, IsStopped: false); // It is there, but this process may not look at it.
        }
    }
}
