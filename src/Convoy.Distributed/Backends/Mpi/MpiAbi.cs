using System.Runtime.InteropServices;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// What differs between the MPI libraries' binary interfaces: the values of handles and constants, and how wide a handle is. Open MPI's handles are addresses of
/// objects that it exports, 64 bits wide; MPICH's, and those of all that keep its interface (Intel MPI, MVAPICH, Cray), are fixed integers of 32 bits. Handles are passed in registers,
/// where either fits; in memory they lie <see cref="HandleBytes"/> apart.
/// </summary>
/// <param name="Implementation">Which interface it is.</param>
/// <param name="HandleBytes">How wide a handle is in memory.</param>
/// <param name="World">MPI_COMM_WORLD.</param>
/// <param name="Byte">MPI_BYTE.</param>
/// <param name="ErrorsReturn">MPI_ERRORS_RETURN.</param>
/// <param name="NoRequest">MPI_REQUEST_NULL.</param>
/// <param name="IgnoreStatus">MPI_STATUS_IGNORE and MPI_STATUSES_IGNORE.</param>
/// <param name="TagUpperBound">The key MPI_TAG_UB.</param>
/// <param name="AnySource">MPI_ANY_SOURCE.</param>
/// <param name="SharedType">MPI_COMM_TYPE_SHARED.</param>
/// <param name="NoInfo">MPI_INFO_NULL.</param>
internal sealed record MpiAbi(MpiImplementation Implementation, int HandleBytes, nint World, nint Byte, nint ErrorsReturn, nint NoRequest, nint IgnoreStatus, int TagUpperBound, int AnySource, int SharedType, nint NoInfo)
{
    // mpi.h of MPICH 3.0 to 4.2; the MPICH ABI Compatibility Initiative has fixed them.
    private static readonly MpiAbi Mpich = new(MpiImplementation.Mpich, sizeof(int), 0x44000000, 0x4c00010d, 0x54000001, 0x2c000000, 1, 0x64400001, -2, 1, 0x1c000000);

    /// <summary>Asks a loaded library which interface it has: only Open MPI exports its handles.</summary>
    public static MpiAbi Of(nint library) => NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out nint world)
        ? new MpiAbi(
            MpiImplementation.OpenMpi,
            sizeof(long),
            world,
            NativeLibrary.GetExport(library, "ompi_mpi_byte"),
            NativeLibrary.GetExport(library, "ompi_mpi_errors_return"),
            NativeLibrary.GetExport(library, "ompi_request_null"),
            0,
            0,
            -1,
            0,
            NativeLibrary.GetExport(library, "ompi_mpi_info_null"))
        : Mpich;
}

/// <summary>The two binary interfaces of MPI libraries.</summary>
internal enum MpiImplementation
{
    /// <summary>Open MPI.</summary>
    OpenMpi,

    /// <summary>MPICH and what keeps its interface: Intel MPI, MVAPICH, Cray MPICH.</summary>
    Mpich,
}
