using System.ComponentModel;
using System.Diagnostics;
using Convoy.Distributed.Launch.Processes;

namespace Convoy.Distributed.Launch;

/// <summary>
/// Ends what a launcher started when the launcher is gone without a word, as by SIGKILL, and removes its error files: a
/// small shell that sleeps on a pipe whose other end only the launcher holds.
/// </summary>
/// <remarks>
/// It finds the processes, also those that the workers started, by the launcher's mark in their environment (Linux: /proc);
/// a program that overwrites its environment or drops it hides from it. They get SIGTERM, and SIGKILL after 5 s. Elsewhere
/// on Unix it removes the files only, and on Windows there is none: there a worker needs a <see cref="ParentWatch"/>.
/// </remarks>
internal sealed class LaunchGuard : IDisposable
{
    // Ctrl-C, a closed terminal, and signals to the whole process group are for the launcher to handle. A word on the pipe
    // means that all is done; its end without one, that the launcher died. The last search finds what was on its way into
    // life during the one before. Time is the system's, in tenths of a second: on a busy machine a search takes longer than a pause. Where it cannot be
    // read, the searches count.
    private const string Script = """
        exec >/dev/null 2>&1
        trap '' INT TERM HUP QUIT
        mark=$1; errors=$2
        read word && exit 0
        marked() { grep -lsF "$mark" /proc/[0-9]*/environ | while IFS=/ read -r a b id c; do echo "$id"; done; }
        now=0
        clock() { IFS=. read -r seconds rest </proc/uptime && now=$((seconds * 10 + ${rest%${rest#?}})); }
        clock
        start=$now; tries=0
        while found=$(marked); [ -n "$found" ] || [ $tries -lt 2 ]; do
            clock || now=$tries
            if [ $((now - start)) -ge 50 ]; then kill -KILL $found; elif [ $tries -lt 2 ]; then kill -TERM $found; fi
            tries=$((tries + 1))
            [ $((now - start)) -gt 100 ] && break
            sleep 0.1
        done
        rm -rf "$errors"
        """;

    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(5);

    private readonly Process _process;

    private LaunchGuard(Process process) => _process = process;

    /// <summary>Starts the guard; null where there is no /bin/sh.</summary>
    /// <param name="launchId">The mark of the processes to end.</param>
    /// <param name="errorDirectory">The folder to remove.</param>
    public static LaunchGuard? Start(string launchId, string errorDirectory)
    {
        if (OperatingSystem.IsWindows())
        {
            return null;
        }

        var start = new ProcessStartInfo("/bin/sh", ["-c", Script, "convoy-guard", $"{JobProcesses.MarkVariable}={launchId}", errorDirectory])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            WorkingDirectory = "/",
        };

        // A launcher around this one must not take the guard for one of its workers and end it before its work is done.
        start.Environment.Remove(JobProcesses.MarkVariable);
        try
        {
            return new LaunchGuard(Process.Start(start)!);
        }
        catch (Win32Exception)
        {
            // A system without a shell. The workers' own ParentWatch still holds.
            return null;
        }
    }

    /// <summary>Says that nothing is left to be ended, and waits for the guard's end.</summary>
    public void Dispose()
    {
        try
        {
            _process.StandardInput.Write("done\n");
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // Somebody killed the guard: nothing to tell it.
        }

        if (!_process.WaitForExit(EndTimeout))
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
