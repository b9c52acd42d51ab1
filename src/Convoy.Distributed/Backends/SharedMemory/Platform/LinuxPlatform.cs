using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Convoy.Distributed.Errors;

namespace Convoy.Distributed.Backends.SharedMemory.Platform;

/// <summary>Linux: files in /dev/shm, which are memory; futex(2) where its number is known; /proc.</summary>
internal sealed class LinuxPlatform : IPlatform
{
    private const string SharedMemoryFolder = "/dev/shm";
    private const string NamespaceFile = "/proc/self/ns/pid";
    private const string BootFile = "/proc/sys/kernel/random/boot_id";
    private const int NoSuchFile = 2; // ENOENT
    private const int NoSuchProcess = 3; // ESRCH
    private const int Interrupted = 4; // EINTR
    private const int IsADirectory = 21; // EISDIR
    private const int Invalid = 22; // EINVAL
    private const int OutOfSpace = 28; // ENOSPC
    private const int NotSupported = 95; // EOPNOTSUPP

    public string Folder { get; } = Directory.Exists(SharedMemoryFolder) ? SharedMemoryFolder : Path.GetTempPath();

    public string Place { get; } = FindPlace();

    public bool CanUnlinkMapped => true;

    public IWordWaiter Waiter { get; } = FutexWaiter.IsSupported ? new FutexWaiter() : new PollingWaiter();

    public long StartTolerance => 0;

    public unsafe FileStream? CreateUnnamed()
    {
        const int ReadAndWrite = 2, CloseOnExec = 0x80000, WithoutName = 0x400000, OwnerOnly = 0x180; // 0600
        int directory = RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x4000 : 0x10000;
        int file;
        fixed (byte* path = Encoding.UTF8.GetBytes(Folder + '\0'))
        {
            file = open(path, ReadAndWrite | CloseOnExec | WithoutName | directory, OwnerOnly);
        }

        if (file >= 0)
        {
            return new FileStream(new SafeFileHandle(file, ownsHandle: true), FileAccess.ReadWrite, bufferSize: 0);
        }

        // Kernels and file systems that do not know the flag take it for an attempt to write to a folder.
        int error = Marshal.GetLastPInvokeError();
        return error is IsADirectory or NotSupported or Invalid or NoSuchFile ? null : throw new IOException(Marshal.GetPInvokeErrorMessage(error), error);
    }

    public string PathOfOpenFile(int processId, int descriptor) => string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/fd/{descriptor}");

    public void Reserve(FileStream stream, long bytes)
    {
        // Without a reservation a full /dev/shm shows as SIGBUS at the first write, which nothing can catch.
        // A signal, of a child that ended, say, interrupts it: then nothing is reserved yet.
        int error;
        do
        {
            error = posix_fallocate((int)stream.SafeFileHandle.DangerousGetHandle(), 0, (nint)bytes);
        }
        while (error == Interrupted);

        if (error != 0)
        {
            throw new SharedMemoryException(error == OutOfSpace
                ? FormattableString.Invariant($"{Folder} has no room for {bytes / 1048576.0:0.#} MiB of shared memory. Free some, or give it more (docker: --shm-size=2g; otherwise: mount -o remount,size=2g {Folder}).")
                : FormattableString.Invariant($"cannot reserve {bytes / 1048576.0:0.#} MiB of shared memory in {Folder} ({new Win32Exception(error).Message}). See whether that folder may be written."));
        }
    }

    // /proc/PID/stat: "PID (NAME) STATE ...", where field 22 is the start in ticks. The name may hold spaces and brackets.
    public ProcessStatus? Inspect(int processId)
    {
        try
        {
            string text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
            string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : new ProcessStatus(long.Parse(fields[19], CultureInfo.InvariantCulture), fields[0] is "T" or "t", fields[0] is "t");
        }
        catch (IOException error) when (error is FileNotFoundException or DirectoryNotFoundException || error.HResult == NoSuchProcess)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new ProcessStatus(0, IsStopped: false); // This process cannot look now: it has too many files open, say.
        }
    }

    // A process number means something only on one machine and within one container's view of it.
    private static string FindPlace()
    {
        try
        {
            return $"{File.ReadAllText(BootFile).Trim()} {new FileInfo(NamespaceFile).LinkTarget}";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return string.Empty;
        }
    }

#pragma warning disable IDE1006 // The C library's names.
    [DllImport("libc", ExactSpelling = true, SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern unsafe int open(byte* path, int flags, int mode);

    [DllImport("libc", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int posix_fallocate(int file, nint offset, nint length);
#pragma warning restore IDE1006
}
