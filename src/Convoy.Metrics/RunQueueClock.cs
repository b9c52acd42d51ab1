using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Convoy.Metrics;

/// <summary>
/// How long the thread that opened it was ready to run while its core was given to others: the second number of <c>/proc/thread-self/schedstat</c> on Linux.
/// Where the system does not tell, nothing is read; never an error. A reading takes some microseconds.
/// </summary>
public sealed class RunQueueClock : IDisposable
{
    private const int LongestLine = 128;
    private readonly SafeFileHandle? _file;

    private RunQueueClock(SafeFileHandle? file) => _file = file;

    /// <summary>Begins with the calling thread.</summary>
    public static RunQueueClock Open() => Open("/proc/thread-self/schedstat");

    /// <summary>Reads another file of that form.</summary>
    internal static RunQueueClock Open(string path)
    {
        try
        {
            return new RunQueueClock(OperatingSystem.IsLinux() && File.Exists(path) ? File.OpenHandle(path) : null);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Containers hide some of these files; that is "not known", not a failure.
            return new RunQueueClock(null);
        }
    }

    /// <summary>Seconds so far; null where the system does not tell, or the thread has ended.</summary>
    public double? ReadSeconds()
    {
        if (_file is null)
        {
            return null;
        }

        Span<byte> line = stackalloc byte[LongestLine];
        int length;
        try
        {
            length = RandomAccess.Read(_file, line, fileOffset: 0);
        }
        catch (IOException)
        {
            return null; // the thread has ended: a loop with await goes on in another
        }

        string[] numbers = Encoding.ASCII.GetString(line[..length]).Split(' ');
        return numbers.Length >= 2 && long.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out long nanoseconds) ? nanoseconds * 1e-9 : null;
    }

    /// <summary>Ends the reading.</summary>
    public void Dispose() => _file?.Dispose();
}
