using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Convoy.Training.Programs;

/// <summary>
/// Makes standard output and standard error outlive whoever reads them: when the terminal is closed, a pipe's reader is gone, or the stream was closed before the
/// program began, what is written goes nowhere. Otherwise the first line after that, an error about it for example, would end a run that has a checkpoint to write.
/// </summary>
internal static class StandardStreams
{
    private const int LastStandardDescriptor = 2;
    private const string Nowhere = "/dev/null";
    private const string OpenMpi = "OMPI_COMM_WORLD_SIZE", Terminal = "TERM", Dumb = "dumb";

    // UTF-8 without a mark at the beginning, which a stream that cannot seek would get.
    private static readonly UTF8Encoding Encoding = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>To be called first of all in the program.</summary>
    public static void Secure()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // There, a console that goes away ends its programs.
        }

        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable(OpenMpi)))
        {
            // Its mpirun gives each rank a terminal of its own, whatever becomes of what is written there: the runtime is to send it no control sequences.
            Environment.SetEnvironmentVariable(Terminal, Dumb);
        }

        FillGaps();
        Console.SetOut(Writer(Console.OpenStandardOutput, 1));
        Console.SetError(Writer(Console.OpenStandardError, LastStandardDescriptor));
    }

    // A number that is free would go to the next file that is opened, into which this program would then print. The lowest free one is taken first.
    private static void FillGaps()
    {
        while (true)
        {
            SafeFileHandle handle = File.OpenHandle(Nowhere, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            if (handle.DangerousGetHandle() > LastStandardDescriptor)
            {
                handle.Dispose();
                return;
            }

            // Counted as used, so that it stays open with the program.
            bool isKept = false;
            handle.DangerousAddRef(ref isKept);
        }
    }

    // The runtime opens pipes of its own before the program begins. One of them under a standard number that was free must not be written to.
    private static bool IsInternalPipe(int descriptor)
    {
        const string Descriptors = "/proc/self/fd";
        const string Pipe = "pipe:";
        if (!OperatingSystem.IsLinux() || new FileInfo($"{Descriptors}/{descriptor}").LinkTarget is not { } target || !target.StartsWith(Pipe, StringComparison.Ordinal))
        {
            return false;
        }

        return Directory.EnumerateFileSystemEntries(Descriptors).Any(other => new FileInfo(other).LinkTarget == target && IsReadEnd(Path.GetFileName(other)));
    }

    // "flags:" in octal; its last digit holds how the file is open, 0 for reading.
    private static bool IsReadEnd(string descriptor)
    {
        const string Flags = "flags:";
        return File.ReadLines($"/proc/self/fdinfo/{descriptor}").FirstOrDefault(line => line.StartsWith(Flags, StringComparison.Ordinal)) is { } line && (line[^1] & 3) == 0;
    }

    private static StreamWriter Writer(Func<Stream> open, int descriptor)
    {
        Stream stream;
        try
        {
            stream = IsInternalPipe(descriptor) ? Stream.Null : open();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            stream = Stream.Null;
        }

        return new StreamWriter(new LastingStream(stream, isOutput: descriptor == 1), Encoding, bufferSize: 1024) { AutoFlush = true };
    }
}
