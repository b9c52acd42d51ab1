using Convoy.Metrics;

namespace Convoy.Training;

/// <summary>A file that the user asked for.</summary>
public static class OutputFile
{
    /// <summary>Writes the whole file or nothing, see <see cref="AtomicFile"/>.</summary>
    /// <param name="path">The file; replaced when it exists.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="BadInputException">The file cannot be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        try
        {
            AtomicFile.Write(path, write);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, error);
        }
    }

    /// <summary>Refuses a path that cannot be written, before the work whose result goes there. Leaves nothing behind.</summary>
    /// <exception cref="BadInputException">The path is a folder's, or its folder is absent or cannot be written.</exception>
    public static void RequireWritable(string path)
    {
        string full = Path.GetFullPath(path);
        try
        {
            if (Directory.Exists(full))
            {
                throw new IOException("it is a folder");
            }

            OutputFolder.Probe(Path.GetDirectoryName(full)!);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, error);
        }
    }

    private static BadInputException Unwritable(string path, Exception error) =>
        new("the file cannot be written", path, $"Give a path in a folder that exists and that you may write to: {error.Message}", error);
}
