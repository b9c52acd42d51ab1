using Convoy.Distributed.Backends.Mpi;

namespace Convoy.Cli.Doctor;

/// <summary>Finds out through which backends ranks on this machine could exchange gradients.</summary>
internal static class BackendCheck
{
    private const string SharedMemoryFolder = "/dev/shm";

    /// <summary>The size of the shared-memory file system; null where there is none.</summary>
    public static SharedMemorySpace? FindSharedMemory()
    {
        if (!Directory.Exists(SharedMemoryFolder))
        {
            return null;
        }

        var drive = new DriveInfo(SharedMemoryFolder);
        return new SharedMemorySpace(SharedMemoryFolder, drive.TotalSize, drive.AvailableFreeSpace);
    }

    /// <summary>Tries each backend.</summary>
    /// <param name="cudaAvailable">Whether libtorch can use a GPU.</param>
    public static IReadOnlyList<BackendStatus> Run(bool cudaAvailable) =>
    [
        new("single", true, "one process, nothing to exchange"),
        SharedMemory(),
        Mpi(),
        new("nccl", false, cudaAvailable
            ? "this version has no NCCL backend"
            : "needs a CUDA build of libtorch and a GPU"),
    ];

    private static BackendStatus SharedMemory()
    {
        if (OperatingSystem.IsWindows() || !Directory.Exists(SharedMemoryFolder))
        {
            return new("shm", false, $"there is no {SharedMemoryFolder}: shared memory needs Linux");
        }

        string path = Path.Combine(SharedMemoryFolder, $"convoy-doctor-{Guid.NewGuid():N}");
        try
        {
            using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Options = FileOptions.DeleteOnClose,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            file.Write(new byte[Environment.SystemPageSize]);
            file.Flush();
            return new("shm", true, $"a file was written to {SharedMemoryFolder}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new("shm", false, $"no file can be written to {SharedMemoryFolder}: {error.Message}");
        }
    }

    private static BackendStatus Mpi() => ProcessGroupMpi.InstalledLibraries() is { Count: > 0 } libraries
        ? new("mpi", true, $"{string.Join("; ", libraries)}; over several hosts under the library's own mpirun, or by convoy launch with MPICH")
        : new("mpi", false, "no MPI library was found, which several hosts need: install Open MPI (Debian: libopenmpi3) or MPICH (libmpich12)");
}
