using System.Runtime.InteropServices;
using System.Text;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>A loaded MPI library: its functions by their names in C, and what it says it is. Handles are passed as <see cref="nint"/> whatever their width.</summary>
internal sealed unsafe class MpiLibrary
{
    /// <summary>MPI_THREAD_SERIALIZED: any thread may call, one at a time.</summary>
    public const int ThreadSerialized = 2;

    private const int LongestText = 8192;

    private readonly delegate* unmanaged<byte*, int*, int> _getLibraryVersion;
    private readonly delegate* unmanaged<int*, int*, int> _getVersion;
    private readonly delegate* unmanaged<int*, int> _initialized;
    private readonly delegate* unmanaged<int*, int> _finalized;
    private readonly delegate* unmanaged<int*, byte***, int, int*, int> _initThread;
    private readonly delegate* unmanaged<int> _finalize;
    private readonly delegate* unmanaged<nint, int*, int> _commRank;
    private readonly delegate* unmanaged<nint, int*, int> _commSize;
    private readonly delegate* unmanaged<nint, nint*, int> _commDup;
    private readonly delegate* unmanaged<nint*, int> _commFree;
    private readonly delegate* unmanaged<nint, nint*, int> _commGroup;
    private readonly delegate* unmanaged<nint, int, int*, nint*, int> _groupIncl;
    private readonly delegate* unmanaged<nint*, int> _groupFree;
    private readonly delegate* unmanaged<nint, nint, int, nint*, int> _commCreateGroup;
    private readonly delegate* unmanaged<nint, int, int, nint, nint*, int> _commSplitType;
    private readonly delegate* unmanaged<nint, nint, int> _commSetErrhandler;
    private readonly delegate* unmanaged<nint, int, int**, int*, int> _commGetAttr;
    private readonly delegate* unmanaged<byte*, int, nint, int, int, nint, void*, int> _isend;
    private readonly delegate* unmanaged<byte*, int, nint, int, int, nint, void*, int> _irecv;
    private readonly delegate* unmanaged<void*, int*, nint, int> _test;
    private readonly delegate* unmanaged<int, void*, int*, nint, int> _testAll;
    private readonly delegate* unmanaged<void*, int> _cancel;
    private readonly delegate* unmanaged<int, int, nint, int*, nint, int> _iprobe;
    private readonly delegate* unmanaged<int, byte*, int*, int> _errorString;
    private readonly delegate* unmanaged<void*, int, nint, int, nint, int> _bcast;
    private readonly delegate* unmanaged<void*, int, nint, void*, int, nint, nint, int> _allGather;

    private MpiLibrary(nint handle, string path)
    {
        Path = path;
        nint Function(string name) => NativeLibrary.TryGetExport(handle, name, out nint address)
            ? address
            : throw new MpiException($"the MPI library lacks a function of MPI 3.0 ({name} in {path}). Name another one in {MpiLibraryFinder.LibraryVariable}.");
        _getLibraryVersion = (delegate* unmanaged<byte*, int*, int>)Function("MPI_Get_library_version");
        _getVersion = (delegate* unmanaged<int*, int*, int>)Function("MPI_Get_version");
        _initialized = (delegate* unmanaged<int*, int>)Function("MPI_Initialized");
        _finalized = (delegate* unmanaged<int*, int>)Function("MPI_Finalized");
        _initThread = (delegate* unmanaged<int*, byte***, int, int*, int>)Function("MPI_Init_thread");
        _finalize = (delegate* unmanaged<int>)Function("MPI_Finalize");
        _commRank = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_rank");
        _commSize = (delegate* unmanaged<nint, int*, int>)Function("MPI_Comm_size");
        _commDup = (delegate* unmanaged<nint, nint*, int>)Function("MPI_Comm_dup");
        _commFree = (delegate* unmanaged<nint*, int>)Function("MPI_Comm_free");
        _commGroup = (delegate* unmanaged<nint, nint*, int>)Function("MPI_Comm_group");
        _groupIncl = (delegate* unmanaged<nint, int, int*, nint*, int>)Function("MPI_Group_incl");
        _groupFree = (delegate* unmanaged<nint*, int>)Function("MPI_Group_free");
        _commCreateGroup = (delegate* unmanaged<nint, nint, int, nint*, int>)Function("MPI_Comm_create_group");
        _commSplitType = (delegate* unmanaged<nint, int, int, nint, nint*, int>)Function("MPI_Comm_split_type");
        _commSetErrhandler = (delegate* unmanaged<nint, nint, int>)Function("MPI_Comm_set_errhandler");
        _commGetAttr = (delegate* unmanaged<nint, int, int**, int*, int>)Function("MPI_Comm_get_attr");
        _isend = (delegate* unmanaged<byte*, int, nint, int, int, nint, void*, int>)Function("MPI_Isend");
        _irecv = (delegate* unmanaged<byte*, int, nint, int, int, nint, void*, int>)Function("MPI_Irecv");
        _test = (delegate* unmanaged<void*, int*, nint, int>)Function("MPI_Test");
        _testAll = (delegate* unmanaged<int, void*, int*, nint, int>)Function("MPI_Testall");
        _cancel = (delegate* unmanaged<void*, int>)Function("MPI_Cancel");
        _iprobe = (delegate* unmanaged<int, int, nint, int*, nint, int>)Function("MPI_Iprobe");
        _errorString = (delegate* unmanaged<int, byte*, int*, int>)Function("MPI_Error_string");
        _bcast = (delegate* unmanaged<void*, int, nint, int, nint, int>)Function("MPI_Bcast");
        _allGather = (delegate* unmanaged<void*, int, nint, void*, int, nint, nint, int>)Function("MPI_Allgather");
        Abi = MpiAbi.Of(handle);
        Description = ReadDescription();
    }

    /// <summary>Its file, as it was asked for.</summary>
    public string Path { get; }

    /// <summary>Its handles and constants.</summary>
    public MpiAbi Abi { get; }

    /// <summary>What it says it is: "Open MPI v4.1.4", "MPICH 4.0.2".</summary>
    public string Description { get; }

    /// <summary>Whether MPI_Init was called in this process.</summary>
    public bool IsInitialized => Flag(_initialized);

    /// <summary>Whether MPI_Finalize was.</summary>
    public bool IsFinalized => Flag(_finalized);

    /// <summary>The version of the MPI standard that it keeps.</summary>
    public Version Standard
    {
        get
        {
            int version, subversion;
            Require(_getVersion(&version, &subversion), "MPI_Get_version");
            return new Version(version, subversion);
        }
    }

    /// <summary>Takes over a library that <see cref="MpiLibraryFinder"/> has loaded.</summary>
    /// <param name="handle">Its handle.</param>
    /// <param name="path">Its file.</param>
    /// <exception cref="MpiException">It lacks a function of MPI 3.0.</exception>
    public static MpiLibrary Over(nint handle, string path) => new(handle, path);

    /// <summary>Starts MPI; gives the level of thread support that it provides.</summary>
    public int Initialize(int level)
    {
        int provided;
        Require(_initThread(null, null, level, &provided), "MPI_Init_thread");
        return provided;
    }

    public void Conclude() => Require(_finalize(), "MPI_Finalize");

    public int RankIn(nint communicator)
    {
        int rank;
        Require(_commRank(communicator, &rank), "MPI_Comm_rank");
        return rank;
    }

    public int SizeOf(nint communicator)
    {
        int size;
        Require(_commSize(communicator, &size), "MPI_Comm_size");
        return size;
    }

    /// <summary>The largest tag of a message.</summary>
    public int LargestTag()
    {
        int* value;
        int found;
        Require(_commGetAttr(Abi.World, Abi.TagUpperBound, &value, &found), "MPI_Comm_get_attr");
        return found == 0 ? short.MaxValue : *value;
    }

    public nint Duplicate(nint communicator)
    {
        nint copy = 0;
        Require(_commDup(communicator, &copy), "MPI_Comm_dup");
        return copy;
    }

    public void Free(nint communicator) => Require(_commFree(&communicator), "MPI_Comm_free");

    /// <summary>Makes a communicator of some ranks of another one; only they call it, and it returns when all have.</summary>
    public nint CreateGroup(nint communicator, ReadOnlySpan<int> ranks, int tag)
    {
        nint all = 0, some = 0, made = 0;
        Require(_commGroup(communicator, &all), "MPI_Comm_group");
        fixed (int* members = ranks)
        {
            Require(_groupIncl(all, ranks.Length, members, &some), "MPI_Group_incl");
        }

        Require(_commCreateGroup(communicator, some, tag, &made), "MPI_Comm_create_group");
        Require(_groupFree(&some), "MPI_Group_free");
        Require(_groupFree(&all), "MPI_Group_free");
        return made;
    }

    /// <summary>Makes a communicator of those ranks that may share memory with this one. All ranks call it together.</summary>
    public nint SplitByHost(nint communicator)
    {
        nint made = 0;
        Require(_commSplitType(communicator, Abi.SharedType, 0, Abi.NoInfo, &made), "MPI_Comm_split_type");
        return made;
    }

    /// <summary>Has errors on a communicator come back as codes, so that they become exceptions and do not end the process.</summary>
    public void ReturnErrors(nint communicator) => Require(_commSetErrhandler(communicator, Abi.ErrorsReturn), "MPI_Comm_set_errhandler");

    public void Send(byte* from, int bytes, int destination, int tag, nint communicator, byte* request) =>
        Require(_isend(from, bytes, Abi.Byte, destination, tag, communicator, request), "MPI_Isend");

    public void Receive(byte* to, int bytes, int source, int tag, nint communicator, byte* request) =>
        Require(_irecv(to, bytes, Abi.Byte, source, tag, communicator, request), "MPI_Irecv");

    /// <summary>Whether a request is done; then it is gone.</summary>
    public bool Test(byte* request)
    {
        int done;
        Require(_test(request, &done, Abi.IgnoreStatus), "MPI_Test");
        return done != 0;
    }

    /// <summary>Whether all of the requests, which lie one after the other, are done; then they are gone.</summary>
    public bool TestAll(byte* requests, int count)
    {
        int done;
        Require(_testAll(count, requests, &done, Abi.IgnoreStatus), "MPI_Testall");
        return done != 0;
    }

    public void Cancel(byte* request) => Require(_cancel(request), "MPI_Cancel");

    /// <summary>Looks whether there is a message with tag 0; what for is that MPI moves on whatever is under way.</summary>
    public void Probe(nint communicator)
    {
        int found;
        Require(_iprobe(Abi.AnySource, 0, communicator, &found, Abi.IgnoreStatus), "MPI_Iprobe");
    }

    /// <summary>Gives what the first rank has at <paramref name="memory"/> to all; returns when this rank has it.</summary>
    public void Broadcast(Span<byte> memory, nint communicator)
    {
        fixed (byte* start = memory)
        {
            Require(_bcast(start, memory.Length, Abi.Byte, 0, communicator), "MPI_Bcast");
        }
    }

    /// <summary>Gathers as many bytes from each rank on all.</summary>
    public void AllGather(ReadOnlySpan<byte> own, Span<byte> all, nint communicator)
    {
        fixed (byte* from = own, to = all)
        {
            Require(_allGather(from, own.Length, Abi.Byte, to, own.Length, Abi.Byte, communicator), "MPI_Allgather");
        }
    }

    public override string ToString() => Description;

    private static bool Flag(delegate* unmanaged<int*, int> function)
    {
        int flag;
        _ = function(&flag);
        return flag != 0;
    }

    private string ReadDescription()
    {
        byte* text = stackalloc byte[LongestText];
        int length;
        Require(_getLibraryVersion(text, &length), "MPI_Get_library_version");

        // "Open MPI v4.1.4, package: ...", "MPICH Version:\t4.0.2\nMPICH Release date:...": the name and version come first.
        string whole = Encoding.UTF8.GetString(text, Math.Clamp(length, 0, LongestText)).TrimEnd('\0');
        return whole.Split(',', '\n')[0].Replace(" Version:\t", " ", StringComparison.Ordinal).Replace(" Version:", "", StringComparison.Ordinal).Trim();
    }

    private void Require(int code, string function)
    {
        if (code != 0)
        {
            throw Failed(code, function);
        }
    }

    private MpiException Failed(int code, string function)
    {
        byte* text = stackalloc byte[LongestText];
        int length = 0;
        string reason = _errorString(code, text, &length) == 0
            ? Encoding.UTF8.GetString(text, Math.Clamp(length, 0, LongestText)).TrimEnd('\0').ReplaceLineEndings(" ")
            : FormattableString.Invariant($"error {code}");
        return new MpiException($"{function} failed ({reason}; {Description ?? Path}). Check the network between the hosts and the output of the other ranks.");
    }
}
