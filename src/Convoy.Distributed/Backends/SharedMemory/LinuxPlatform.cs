using Convoy.Distributed.Rendezvous;
using System.ComponentModel;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Linux: files in /dev/shm, which are memory; futex(2) where its number is known.</summary>
internal sealed class LinuxPlatform : LinuxProcesses, IPlatform
{
    private const string SharedMemoryFolder = "/dev/shm";
    private const int NoSuchFile = 2; // ENOENT
    private const int Interrupted = 4; // EINTR
    private const int IsADirectory = 21; // EISDIR
    private const int Invalid = 22; // EINVAL
    private const int OutOfSpace = 28; // ENOSPC
    private const int NotSupported = 95; // EOPNOTSUPP

    public string Folder { get; } = Directory.Exists(SharedMemoryFolder) ? SharedMemoryFolder : Path.GetTempPath();

    public bool CanUnlinkMapped => true;

    public IWordWaiter Waiter { get; } = FutexWaiter.IsSupported ? new FutexWaiter() : new PollingWaiter();

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
                : FormattableString.Invariant($"cannot reserve {bytes / 1048576.0:0.#} MiB of shared memory in {Folder} ({new Win32Exception(error).Message}). Check that the folder is writable."));
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
