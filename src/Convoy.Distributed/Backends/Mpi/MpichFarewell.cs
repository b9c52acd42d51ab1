using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Convoy.Distributed.Backends.Mpi;

/// <summary>
/// The end of MPI for MPICH before 4.2, whose MPI_Finalize may hang over UCX: a rank closes its connections, which needs others to answer, while those wait for all in a barrier of their process
/// manager and answer nobody (mpich's pull request 6596 took the barrier away). It hung in every third to twentieth run of 4 ranks on busy hosts. So the process manager is told by hand what
/// MPI_Finalize would have told it, in the text of PMI-1, with messages moving meanwhile; connections end with the process.
/// </summary>
internal sealed partial class MpichFarewell
{
    private const string Connection = "PMI_FD";
    private const short Readable = 1; // POLLIN
    private const int PollMilliseconds = 1;

    private static readonly Version WithoutBarrier = new(4, 2);

    private readonly int _manager;
    private readonly Action _makeProgress;

    private MpichFarewell(int manager, Action makeProgress) => (_manager, _makeProgress) = (manager, makeProgress);

    /// <summary>For a library that needs it and whose process manager can be told so; null for any other.</summary>
    /// <param name="library">The library.</param>
    /// <param name="connection">The descriptor on which the library asks its process manager; null: PMI_FD says.</param>
    /// <param name="makeProgress">Lets it move messages.</param>
    public static MpichFarewell? For(MpiLibrary library, int? connection, Action makeProgress) =>
        library.Description.Split(' ') is ["MPICH", var text, ..] && Version.TryParse(text.Split(['a', 'b', 'r'])[0], out Version? version) && version < WithoutBarrier
        && (connection ?? Named()) is { } manager
            ? new MpichFarewell(manager, makeProgress)
            : null;

    /// <summary>Returns when all ranks have come to their end, and the process manager lets this one go.</summary>
    /// <exception cref="MpiException">It does not.</exception>
    public void Take()
    {
        Ask("cmd=barrier_in\n", "cmd=barrier_out");
        Ask("cmd=finalize\n", "cmd=finalize_ack");
    }

    private static int? Named() => int.TryParse(NativeEnvironment.Get(Connection), NumberStyles.None, CultureInfo.InvariantCulture, out int named) ? named : null;

    private unsafe void Ask(string command, string answer)
    {
        byte[] text = Encoding.ASCII.GetBytes(command);
        fixed (byte* start = text)
        {
            if (Write(_manager, start, (nuint)text.Length) != text.Length)
            {
                throw new MpiException($"MPICH's process manager does not take '{command.Trim()}' (error {Marshal.GetLastPInvokeError()}): its launcher has ended. Look at what it wrote.");
            }
        }

        byte letter;
        var line = new StringBuilder();
        while (!line.ToString().EndsWith('\n'))
        {
            var wanted = new PollEntry { Descriptor = _manager, Events = Readable };
            // Nothing yet, or a signal came.
            if (Poll(&wanted, 1, PollMilliseconds) <= 0)
            {
                _makeProgress();
                continue;
            }

            if (Read(_manager, &letter, 1) <= 0)
            {
                throw new MpiException($"MPICH's process manager has ended instead of answering '{command.Trim()}'. Look at what its launcher wrote.");
            }

            line.Append((char)letter);
        }

        if (!line.ToString().StartsWith(answer, StringComparison.Ordinal))
        {
            throw new MpiException($"MPICH's process manager answers '{line.ToString().Trim()}' to '{command.Trim()}', which PMI-1 does not. Use MPICH 4.2 or later.");
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Found;
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint Write(int descriptor, byte* from, nuint bytes);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static unsafe partial nint Read(int descriptor, byte* to, nuint bytes);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static unsafe partial int Poll(PollEntry* entries, nuint count, int milliseconds);
}
