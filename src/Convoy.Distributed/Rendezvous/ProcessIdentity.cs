using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Convoy.Distributed.Rendezvous;

/// <summary>A process that a later one with the same number cannot be mistaken for.</summary>
/// <param name="ProcessId">Its number, valid within one machine and one container.</param>
/// <param name="Start">When it started, in units of the system (Linux: clock ticks since boot; elsewhere 100 ns); 0: unknown, so that it counts as running.</param>
public readonly record struct ProcessIdentity(int ProcessId, long Start)
{
    /// <summary>This process.</summary>
    public static ProcessIdentity Current => CurrentIn(IProcessTable.Current);

    /// <summary>The process that has this number now; null when there is none, or only a zombie, which its parent has not waited for.</summary>
    public static ProcessIdentity? Find(int processId) => IProcessTable.Current.Inspect(processId) is { } status ? new ProcessIdentity(processId, status.Start) : null;

    /// <summary>Whether the process has ended: it is gone, a zombie, or another one has its number by now.</summary>
    public bool HasEnded() => HasEnded(IProcessTable.Current);

    /// <summary>Whether the process is stopped, by SIGSTOP for example (seen on Linux only).</summary>
    public bool IsStopped() => IsStopped(IProcessTable.Current);

    internal static ProcessIdentity CurrentIn(IProcessTable processes) => new(Environment.ProcessId, processes.Inspect(Environment.ProcessId)?.Start ?? 0);

    /// <summary>Whether this process can see that one (containers may hide it), so that <see cref="HasEnded(IProcessTable)"/> can be believed.</summary>
    internal bool IsVisible(IProcessTable processes) => Start != 0 && Find(processes) is { Start: not 0 };

    internal bool HasEnded(IProcessTable processes) => Start != 0 && Find(processes) is null;

    internal bool IsStopped(IProcessTable processes) => Start != 0 && Find(processes) is { IsStopped: true };

    private ProcessStatus? Find(IProcessTable processes) =>
        processes.Inspect(ProcessId) is { } status && (status.Start == 0 || Math.Abs(status.Start - Start) <= processes.StartTolerance) ? status : null;
}

/// <summary>What can be seen of a running process.</summary>
/// <param name="Start">When it started, 0 when that cannot be seen.</param>
/// <param name="IsStopped">Whether a signal or a debugger has stopped it.</param>
/// <param name="IsTraced">Whether it was a debugger.</param>
internal readonly record struct ProcessStatus(long Start, bool IsStopped, bool IsTraced = false)
{
    /// <summary>In words: "is stopped (SIGSTOP)".</summary>
    public string Describe() => IsTraced ? "is held by a debugger" : "is stopped (SIGSTOP)";
}

/// <summary>The processes of this machine.</summary>
internal interface IProcessTable
{
    /// <summary>Where process numbers are valid: the machine's present run and the container. Empty: unknown.</summary>
    string Place { get; }

    /// <summary>By how much two processes may disagree about <see cref="ProcessStatus.Start"/> of a third.</summary>
    long StartTolerance { get; }

    /// <summary>The table that this process sees.</summary>
    static IProcessTable Current => OperatingSystem.IsLinux() ? new LinuxProcesses() : new PortableProcesses();

    /// <summary>What can be seen of a process; null: there is none with this number, or it is a zombie that nobody has waited for yet.</summary>
    ProcessStatus? Inspect(int processId);
}

/// <summary>Linux: /proc.</summary>
internal class LinuxProcesses : IProcessTable
{
    private const string NamespaceFile = "/proc/self/ns/pid";
    private const string BootFile = "/proc/sys/kernel/random/boot_id";
    private const int NoSuchProcess = 3; // ESRCH

    public string Place { get; } = FindPlace();

    public long StartTolerance => 0;

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
}

/// <summary>Windows, macOS and whatever else .NET runs on.</summary>
internal class PortableProcesses : IProcessTable
{
    public string Place => string.Empty;

    // Some systems derive the time from when they were booted, which each process works out with a small error.
    public long StartTolerance => 2 * TimeSpan.TicksPerSecond;

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
