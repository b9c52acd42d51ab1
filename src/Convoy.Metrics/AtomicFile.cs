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
