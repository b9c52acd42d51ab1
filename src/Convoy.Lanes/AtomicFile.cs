namespace Convoy.Lanes;

/// <summary>Writes a whole file or none: under a temporary name beside it, flushed to the disk, then renamed.</summary>
internal static class AtomicFile
{
    /// <exception cref="BadInputException">The file cannot be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception error)
        {
            // Deleting what is not there is no error, but deleting in a folder that is not there is one.
            if (File.Exists(temporary))
            {
                File.Delete(temporary);
            }

            if (error is IOException or UnauthorizedAccessException)
            {
                throw new BadInputException("the file cannot be written", path, $"Give a path in a folder that exists and that you may write to: {error.Message}", error);
            }

            throw;
        }
    }
}
