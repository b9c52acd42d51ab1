using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Convoy.Training.Runs;

/// <summary>
/// Keeps a run directory to one session at a time. Each process of a session, the launcher and its workers, holds the file
/// <c>run.lock</c> open as a reader, and who begins a session needs it alone for a moment; the system ends the hold with the process,
/// whatever ends that. The file's text names the session, so that a worker which comes late, after its launcher was killed and another
/// session has begun, sees that it is none of it.
/// </summary>
public sealed class RunLock : IDisposable
{
    /// <summary>The environment variable that tells workers their session.</summary>
    public const string SessionVariable = "CONVOY_RUN_SESSION";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30), Pause = TimeSpan.FromMilliseconds(50);

    private readonly RunDirectory _run;
    private FileStream _stream;

    private RunLock(RunDirectory run, FileStream stream, string session, bool wasCutShort = false)
    {
        _run = run;
        _stream = stream;
        Session = session;
        WasCutShort = wasCutShort;
    }

    /// <summary>The session, to be told to its workers.</summary>
    public string Session { get; }

    /// <summary>Whether the session before was killed or failed: it did not say that its work was done.</summary>
    public bool WasCutShort { get; }

    /// <summary>
    /// Gets the run for a new session. Workers whose launcher is gone are ending, and waited for; those of a launcher that lives are
    /// not disturbed. Nothing in the folder is changed but for the file of the lock, which is made where it is absent.
    /// </summary>
    /// <param name="run">The run, whose folder exists.</param>
    /// <param name="time">The clock for waiting.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="BadInputException">The run still trains.</exception>
    public static async Task<RunLock> AcquireAsync(RunDirectory run, TimeProvider time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(time);
        long start = time.GetTimestamp();
        while (true)
        {
            if (TryOpen(run, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None) is { } alone)
            {
                string session = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId} {Guid.NewGuid():N}");
                return new RunLock(run, alone, session, wasCutShort: Text(alone).Length > 0);
            }

            int? owner = Owner(run);
            if (owner is null || IsAlive(owner.Value) || time.GetElapsedTime(start) > Patience)
            {
                throw StillTrains(run, owner);
            }

            await Task.Delay(Pause, time, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Makes the session the run's and lets its workers join; to be called once, before they are started and before anything in the folder is changed.</summary>
    /// <exception cref="BadInputException">Another session began in this moment.</exception>
    public void Begin()
    {
        _stream.SetLength(0);
        _stream.Position = 0;
        _stream.Write(Encoding.UTF8.GetBytes(Session));
        _stream.Flush();
        _stream.Dispose();
        _stream = Joined(_run, Session) ?? throw StillTrains(_run, Owner(_run));
    }

    /// <summary>Says that the session's work is done, and lets the run go.</summary>
    public void End()
    {
        _stream.Dispose();
        using FileStream? alone = TryOpen(_run, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        if (alone is not null && Text(alone) == Session)
        {
            alone.SetLength(0);
        }
    }

    /// <summary>Joins the session that the environment names; null where it names none, as for runs that are measured in a folder of their own.</summary>
    /// <exception cref="InvalidOperationException">The run has another session by now.</exception>
    public static RunLock? JoinFromEnvironment(RunDirectory run) => Join(run, Environment.GetEnvironmentVariable(SessionVariable));

    /// <summary>Joins a session by what its launcher calls it.</summary>
    internal static RunLock? Join(RunDirectory run, string? session)
    {
        ArgumentNullException.ThrowIfNull(run);
        return string.IsNullOrEmpty(session) ? null
            : Joined(run, session) is { } stream ? new RunLock(run, stream, session)
            : throw new InvalidOperationException($"another session of the run has begun ({run.Root}). This process belongs to one that was killed, and ends.");
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    // The hold comes first: from then on nobody can begin another session, so the text stays what it is.
    private static FileStream? Joined(RunDirectory run, string session)
    {
        FileStream? stream = TryOpen(run, FileMode.Open, FileAccess.Read, FileShare.Read);
        if (stream is not null && Text(stream) != session)
        {
            stream.Dispose();
            return null;
        }

        return stream;
    }

    private static FileStream? TryOpen(RunDirectory run, FileMode mode, FileAccess access, FileShare share)
    {
        try
        {
            return new FileStream(run.Lock, mode, access, share);
        }
        catch (IOException error) when (IsSharingViolation(error))
        {
            return null;
        }
    }

    // errno EWOULDBLOCK of Linux and macOS, and Windows's two codes: .NET has no exception of its own for it.
    private static bool IsSharingViolation(IOException error) =>
        error.HResult is 11 or 35 or unchecked((int)0x80070020) or unchecked((int)0x80070021);

    private static int? Owner(RunDirectory run)
    {
        using FileStream? stream = TryOpen(run, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        return stream is not null && int.TryParse(Text(stream).Split(' ')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int process) ? process : null;
    }

    private static string Text(FileStream stream)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        return reader.ReadToEnd();
    }

    // A process that was killed and whose parent has not asked for its end yet has a number, but no files any more.
    private static bool IsAlive(int process)
    {
        try
        {
            using Process found = Process.GetProcessById(process);
            string stat = $"/proc/{process.ToString(CultureInfo.InvariantCulture)}/stat";
            return !OperatingSystem.IsLinux() || !File.Exists(stat) || File.ReadAllText(stat).Split(") ")[^1][0] is not ('Z' or 'X');
        }
        catch (Exception error) when (error is ArgumentException or IOException)
        {
            return false;
        }
    }

    private static BadInputException StillTrains(RunDirectory run, int? owner)
    {
        string process = owner is { } id ? string.Create(CultureInfo.InvariantCulture, $", process {id}") : string.Empty;
        return new BadInputException("the run still trains", run.Root + process, "Wait for its end, or stop it with Ctrl-C and then go on with --resume.");
    }
}
