using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Convoy.Distributed.Launch.Processes;

/// <summary>POSIX signals by number (the same on Linux and macOS for those used here).</summary>
internal static partial class Signal
{
    public const int HangUp = 1;
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;

    private const int NoSuchProcess = 3;

    /// <summary>The signal's name for an exit code of 128 + its number, or null.</summary>
    public static string? NameOfExitCode(int exitCode) => exitCode is > 128 and <= 128 + 64 && !OperatingSystem.IsWindows()
        ? Name(exitCode - 128)
        : null;

    /// <summary>
    /// Sends <paramref name="signal"/> to <paramref name="process"/>; a process that has ended is left alone. Windows has
    /// no signals: there every one but SIGINT ends the process.
    /// </summary>
    public static void Send(Process process, int signal)
    {
        if (process.HasExited)
        {
            return;
        }

        if (signal == Kill || OperatingSystem.IsWindows())
        {
            if (signal != Interrupt)
            {
                process.Kill();
            }

            return;
        }

        Send(process.Id, signal);
    }

    /// <summary>Sends <paramref name="signal"/> to a process by its id; one that has ended is left alone.</summary>
    public static void Send(int processId, int signal)
    {
        if (SendSignal(processId, signal) != 0 && Marshal.GetLastPInvokeError() is var error and not NoSuchProcess)
        {
            throw new Win32Exception(error, string.Create(CultureInfo.InvariantCulture, $"cannot send {Name(signal)} to process {processId}: {Marshal.GetPInvokeErrorMessage(error)}"));
        }
    }

    /// <summary>Whether a process of this id exists.</summary>
    public static bool Exists(int processId) => SendSignal(processId, 0) == 0 || Marshal.GetLastPInvokeError() != NoSuchProcess;

    /// <summary>Whether a process ignores <paramref name="signal"/> (Linux: /proc); false when it has ended or the system does not tell.</summary>
    public static bool IsIgnored(int processId, int signal)
    {
        const string field = "SigIgn:";
        try
        {
            string status = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/status");
            return OperatingSystem.IsLinux()
                && File.ReadLines(status).FirstOrDefault(line => line.StartsWith(field, StringComparison.Ordinal)) is { } line
                && ulong.TryParse(line.AsSpan(field.Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong mask)
                && (mask & (1UL << (signal - 1))) != 0;
        }
        catch (IOException)
        {
            return false; // It has ended.
        }
    }

    private static string Name(int signal) => signal switch
    {
        HangUp => "SIGHUP",
        Interrupt => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        Kill => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        Terminate => "SIGTERM",
        _ => string.Create(CultureInfo.InvariantCulture, $"signal {signal}"),
    };

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int processId, int signal);
}
