using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Convoy.Distributed.Launch;

/// <summary>
/// Lets a worker end by itself when its launcher is gone, even by SIGKILL. It watches the process that CONVOY_PARENT_PID
/// names: on Linux with a pidfd, which wakes at once, elsewhere by asking from time to time.
/// </summary>
/// <remarks>
/// Not prctl(PR_SET_PDEATHSIG): that signal comes when the <em>thread</em> that started the child ends, and .NET starts
/// processes from threads of its pool.
/// </remarks>
public sealed partial class ParentWatch : IDisposable
{
    private const int Unknown = -1;

    private readonly Action _onParentDeath;
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread? _thread;
    private readonly int _wakeUp = Unknown;
    private int _disposed;

    private ParentWatch(int parent, Action onParentDeath)
    {
        _onParentDeath = onParentDeath;
        if (OperatingSystem.IsLinux())
        {
            const int OpenPidfd = 434, NotImplemented = 38, NotPermitted = 1, NoSuchProcess = 3;
            int pidfd = (int)SystemCall(OpenPidfd, parent, 0);
            int error = pidfd < 0 ? Marshal.GetLastPInvokeError() : 0;
            if (error == NoSuchProcess)
            {
                _ = Task.Run(onParentDeath);
                return;
            }

            if (pidfd >= 0)
            {
                const int CloseOnExec = 0x80000;
                _wakeUp = CreateEvent(0, CloseOnExec);
                if (_wakeUp < 0)
                {
                    error = Marshal.GetLastPInvokeError();
                    Close(pidfd);
                    throw new Win32Exception(error, $"cannot watch the parent process: {Marshal.GetPInvokeErrorMessage(error)}");
                }

                _thread = new Thread(() => Wait(pidfd)) { IsBackground = true, Name = "convoy parent watch" };
                _thread.Start();
                return;
            }

            // An old kernel, or a sandbox that forbids the call: ask from time to time.
            if (error is not (NotImplemented or NotPermitted))
            {
                throw new Win32Exception(error, $"cannot watch the parent process: {Marshal.GetPInvokeErrorMessage(error)}");
            }
        }

        _ = PollAsync(parent);
    }

    /// <summary>
    /// Watches the launcher; <paramref name="onParentDeath"/> is called once, on a thread of its own, when it has ended,
    /// also when it had before. It should end this process, best after a word of why.
    /// </summary>
    /// <returns>The watch, to be disposed of when the work is done; null when no launcher started this process.</returns>
    /// <exception cref="InvalidOperationException">CONVOY_PARENT_PID is no process id.</exception>
    public static ParentWatch? Start(Action onParentDeath)
    {
        ArgumentNullException.ThrowIfNull(onParentDeath);
        string? text = Environment.GetEnvironmentVariable(WorkerEnvironment.ParentProcessIdName);
        return string.IsNullOrEmpty(text) ? null : Start(text, onParentDeath);
    }

    /// <summary>Watches the process with the id <paramref name="parentProcessId"/>.</summary>
    internal static ParentWatch Start(string parentProcessId, Action onParentDeath) =>
        int.TryParse(parentProcessId, NumberStyles.None, CultureInfo.InvariantCulture, out int parent) && parent > 0
            ? new ParentWatch(parent, onParentDeath)
            : throw new InvalidOperationException($"{WorkerEnvironment.ParentProcessIdName} is not a process id ({parentProcessId}). Leave it to the launcher to set it.");

    /// <summary>Ends the watch; the callback is not called afterwards.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        _stop.Cancel();
        if (_thread is not null)
        {
            ulong one = 1;
            _ = WriteEvent(_wakeUp, ref one, sizeof(ulong));
            if (_thread != Thread.CurrentThread)
            {
                _thread.Join();
            }

            Close(_wakeUp);
        }

        _stop.Dispose();
    }

    private void Wait(int pidfd)
    {
        const short Readable = 1;
        try
        {
            Span<PollEntry> entries = [new() { File = pidfd, Events = Readable }, new() { File = _wakeUp, Events = Readable }];
            while (Poll(entries, entries.Length, -1) < 0)
            {
                // A signal's handler ran on this thread: wait on.
            }

            if (entries[1].Returned != 0)
            {
                return;
            }
        }
        finally
        {
            Close(pidfd);
        }

        _onParentDeath();
    }

    private async Task PollAsync(int parent)
    {
        try
        {
            using Process process = Process.GetProcessById(parent);
            await process.WaitForExitAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (ArgumentException)
        {
            // No such process: it has ended already.
        }
        catch (OperationCanceledException)
        {
            return;
        }

        _onParentDeath();
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long SystemCall(long number, long first, long second);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int CreateEvent(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteEvent(int file, ref ulong value, nint length);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(Span<PollEntry> entries, nint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int File;
        public short Events;
        public short Returned;
    }
}
