using System.Runtime.InteropServices;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// Finds and loads the MPI library that goes with the launcher: a process that Open MPI's mpirun started finds the others only with Open MPI, one of MPICH's mpiexec (or srun with
/// PMI) only with a library of that family.
/// </summary>
internal static class MpiLibraryFinder
{
    /// <summary>The variable with the library's file, when it is none of the usual names or not on the loader's path.</summary>
    public const string LibraryVariable = "CONVOY_MPI_LIBRARY";

    private const int LoadNow = 2; // RTLD_NOW
    private const int LoadGlobalOnLinux = 0x100; // RTLD_GLOBAL
    private const int LoadGlobalOnMac = 0x8;

    // By the version in their names, which follows the binary interface.
    private static readonly string[] OpenMpiNames = ["libmpi.so.40", "libmpi.so.80", "libmpi.so.20", "libmpi.40.dylib", "libmpi.dylib"];
    private static readonly string[] MpichNames = ["libmpich.so.12", "libmpi.so.12", "libmpi_cray.so.12", "libmpi.12.dylib"];
    private static readonly string[] AnyName = ["libmpi.so"];

    private static readonly string[] OpenMpiVariables = ["OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"];
    private static readonly string[] MpichVariables = ["PMI_RANK", "PMI_SIZE", "PMI_FD", "PMI_PORT", "MPI_LOCALNRANKS"];

    /// <summary>Which family of libraries the launcher of this process asks for; null: it was no MPI launcher, or one that starts both.</summary>
    /// <param name="variable">Gives an environment variable's value or null.</param>
    public static MpiImplementation? Launcher(Func<string, string?> variable) =>
        Array.Exists(OpenMpiVariables, name => !string.IsNullOrEmpty(variable(name))) ? MpiImplementation.OpenMpi
        : Array.Exists(MpichVariables, name => !string.IsNullOrEmpty(variable(name))) ? MpiImplementation.Mpich
        : null;

    /// <summary>Loads the library.</summary>
    /// <param name="wanted">The family that it has to be of; null: any.</param>
    /// <param name="variable">Gives an environment variable's value or null.</param>
    /// <exception cref="MpiException">There is none, or it does not go with the launcher, or it is older than MPI 3.0.</exception>
    public static MpiLibrary Load(MpiImplementation? wanted, Func<string, string?> variable)
    {
        string? given = variable(LibraryVariable) is { Length: > 0 } value ? value : null;
        string[] names = given is not null ? [given] : wanted switch
        {
            MpiImplementation.OpenMpi => [.. OpenMpiNames, .. AnyName],
            MpiImplementation.Mpich => [.. MpichNames, .. AnyName],
            _ => [.. OpenMpiNames, .. MpichNames, .. AnyName],
        };
        MpiException? unfit = null;
        foreach (string name in names)
        {
            nint handle = LoadGlobally(name, out string? reason);
            if (handle == 0)
            {
                unfit ??= given is null ? null : new MpiException($"the MPI library of {LibraryVariable} cannot be loaded ({given}: {reason}). Set it to the path of libmpi.so or libmpich.so, or leave it out.");
                continue;
            }

            MpiLibrary library = MpiLibrary.Over(handle, name);
            if (wanted is not null && library.Abi.Implementation != wanted)
            {
                unfit = new MpiException($"the MPI library {library} ({name}) does not go with the launcher, which is {Describe(wanted.Value)}'s. Start the program with the library's own mpirun, or name the launcher's library in {LibraryVariable}.");
                continue;
            }

            return library.Standard.Major >= 3
                ? library
                : throw new MpiException($"the MPI library is too old ({library} keeps MPI {library.Standard}; 3.0 is needed). Install a newer one, or name it in {LibraryVariable}.");
        }

        throw unfit ?? new MpiException(
            $"no MPI library was found ({string.Join(", ", names)}). Install {(wanted == MpiImplementation.Mpich ? "MPICH (Debian: libmpich12)" : "Open MPI (Debian: libopenmpi3)")} on every host, or name its file in {LibraryVariable}.");
    }

    /// <summary>The libraries that this system has, one of each family, as they describe themselves; they are looked at and not started.</summary>
    public static IReadOnlyList<string> Installed()
    {
        var found = new List<string>();
        foreach (string[] family in (string[][])[OpenMpiNames, MpichNames])
        {
            foreach (string name in family)
            {
                // Not for all of the process, as for use: two of them would take each other's functions.
                if (!NativeLibrary.TryLoad(name, out nint handle))
                {
                    continue;
                }

                try
                {
                    var library = MpiLibrary.Over(handle, name);
                    found.Add(FormattableString.Invariant($"{library.Description} ({name}, MPI {library.Standard})"));
                    break;
                }
                catch (MpiException unfit)
                {
                    found.Add(unfit.Message);
                }
                finally
                {
                    NativeLibrary.Free(handle);
                }
            }
        }

        return found;
    }

    /// <summary>The family's name for people.</summary>
    public static string Describe(MpiImplementation implementation) => implementation == MpiImplementation.OpenMpi ? "Open MPI" : "MPICH";

    // Open MPI's plug-ins take its functions from whatever the process has loaded for all.
    private static nint LoadGlobally(string name, out string? reason)
    {
        reason = null;
        if (OperatingSystem.IsWindows())
        {
            reason = "MPI is used on Linux and macOS only";
            return 0;
        }

        nint handle = dlopen(name, LoadNow | (OperatingSystem.IsMacOS() ? LoadGlobalOnMac : LoadGlobalOnLinux));
        if (handle == 0)
        {
            reason = Marshal.PtrToStringUTF8(dlerror());
        }

        return handle;
    }

#pragma warning disable IDE1006 // The C library's names.
    [DllImport("libc", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint dlopen([MarshalAs(UnmanagedType.LPUTF8Str)] string name, int flags);

    [DllImport("libc", ExactSpelling = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint dlerror();
#pragma warning restore IDE1006
}
