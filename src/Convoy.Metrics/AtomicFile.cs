using System.Runtime.InteropServices;

namespace Convoy.Metrics;

/// <summary>Writes a whole file or none: under a temporary name beside it, flushed to the disk, then renamed; the name is flushed too.</summary>
public static class AtomicFile
{
    /// <summary>Writes <paramref name="path"/>, replacing what is there; a reader sees the old file or the new one, never half of one.</summary>
    /// <param name="path">The file, in a folder that exists.</param>
    /// <param name="write">Writes the content. When it throws, the old file stays and nothing else is left.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">There is no permission to write it.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
            FolderEntries.Flush(Path.GetDirectoryName(Path.GetFullPath(path))!);
        }
        catch
        {
            // Deleting what is not there is no error, but deleting in a folder that is not there is one.
            if (File.Exists(temporary))
            {
                File.Delete(temporary);
            }

            throw;
        }
    }
}

/// <summary>Brings a folder's entries to the disk. A flushed file whose name is not on the disk is lost with the power all the same.</summary>
public static partial class FolderEntries
{
    /// <summary>Waits until the names in <paramref name="folder"/>, after files were made, renamed or deleted in it, are on the disk. Windows keeps them by itself.</summary>
    /// <exception cref="IOException">The folder is not there, or the disk failed.</exception>
    public static void Flush(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        const int ReadOnly = 0, NotSupported = 22;
        int file = Open(folder, ReadOnly);
        if (file < 0)
        {
            throw Failure(folder);
        }

        try
        {
            // Some network file systems know no such request for folders; there is nothing more to be done there.
            if (Synchronize(file) != 0 && Marshal.GetLastPInvokeError() != NotSupported)
            {
                throw Failure(folder);
            }
        }
        finally
        {
            _ = Close(file);
        }
    }

    private static IOException Failure(string folder)
    {
        int error = Marshal.GetLastPInvokeError();
        return new IOException($"the names in the folder '{folder}' cannot be brought to the disk: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Synchronize(int file);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);
}
