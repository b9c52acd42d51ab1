using System.Globalization;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Tells whether the process of another rank still runs.</summary>
/// <param name="ProcessId">Its number.</param>
/// <param name="Start">When it started, in the kernel's ticks; 0: unknown, so that it counts as running.</param>
internal readonly record struct ProcessIdentity(int ProcessId, long Start)
{
    public static ProcessIdentity Current => new(Environment.ProcessId, StartOf(Environment.ProcessId) ?? 0);

    /// <summary>Whether this process can see that one (containers may hide it), so that <see cref="HasEnded"/> can be believed.</summary>
    public bool IsVisible => Start != 0 && StartOf(ProcessId) == Start;

    /// <summary>Whether the process is no more: gone, a zombie that nobody has waited for yet, or another with the same number.</summary>
    public bool HasEnded => Start != 0 && StartOf(ProcessId) != Start;

    // /proc/PID/stat: "PID (NAME) STATE ...", where field 22 is the start. The name may hold spaces and brackets.
    private static long? StartOf(int processId)
    {
        if (!OperatingSystem.IsLinux())
        {
            return 0;
        }

        try
        {
            string text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
            string[] fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : long.Parse(fields[19], CultureInfo.InvariantCulture);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null; // No such process.
        }
    }
}
