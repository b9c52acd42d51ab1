using System.Runtime.InteropServices;

namespace Convoy.Distributed.ParallelTests.Worker;

/// <summary>What the tests call of MPICH 3.x and 4.x, whose handles are these numbers.</summary>
internal sealed unsafe class Mpich
{
    private const int World = 0x44000000, Int = 0x4c000405, Float = 0x4c00040a, Sum = 0x58000003, InfoNull = 0x1c000000, SharedMemory = 1, Serialized = 2;

    private readonly nint _library;

    private Mpich(nint library) => _library = library;

    /// <summary>Loads it.</summary>
    public static Mpich Load() => new(NativeLibrary.Load("libmpich.so.12"));

    /// <summary>Initializes it; gives the level of threads that it provides.</summary>
    public int Initialize()
    {
        int provided;
        Require(((delegate* unmanaged<int*, byte***, int, int*, int>)Function("MPI_Init_thread"))(null, null, Serialized, &provided));
        return provided;
    }

    public int Rank() => Number("MPI_Comm_rank", World);

    public int Size() => Number("MPI_Comm_size", World);

    /// <summary>How many ranks it takes to share memory with this one.</summary>
    public int SizeOfHost()
    {
        int host;
        Require(((delegate* unmanaged<int, int, int, int, int*, int>)Function("MPI_Comm_split_type"))(World, SharedMemory, 0, InfoNull, &host));
        return Number("MPI_Comm_size", host);
    }

    /// <summary>Adds the ranks' values.</summary>
    public void AllReduce(Span<float> values)
    {
        fixed (float* first = values)
        {
            Require(((delegate* unmanaged<nint, float*, int, int, int, int, int>)Function("MPI_Allreduce"))(-1, first, values.Length, Float, Sum, World));
        }
    }

    /// <summary>Starts a rank of a program that is not there.</summary>
    public int Spawn()
    {
        int error, group;
        fixed (byte* program = "no-such-program\0"u8)
        {
            SetErrorsReturn();
            return ((delegate* unmanaged<byte*, byte**, int, int, int, int, int*, int*, int>)Function("MPI_Comm_spawn"))(program, null, 1, InfoNull, 0, World, &group, &error);
        }
    }

    public void Abort(int code) => ((delegate* unmanaged<int, int, int>)Function("MPI_Abort"))(World, code);

    public int Finish()
    {
        int result = ((delegate* unmanaged<int>)Function("MPI_Finalize"))();
        Require(result);
        return result;
    }

    private void SetErrorsReturn() => Require(((delegate* unmanaged<int, int, int>)Function("MPI_Comm_set_errhandler"))(World, 0x54000001));

    private int Number(string function, int communicator)
    {
        int number;
        Require(((delegate* unmanaged<int, int*, int>)Function(function))(communicator, &number));
        return number;
    }

    private nint Function(string name) => NativeLibrary.GetExport(_library, name);

    private static void Require(int result) => Expect.True(result == 0, $"MPICH gave error {result}");
}
