using Convoy.Metrics;

namespace Convoy.Training;

/// <summary>A file for output.</summary>
public static class OutputFile
{
    /// <summary>Writes all of the file or nothing, see <see cref="AtomicFile"/>.</summary>
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

    /// <summary>Checks that a path can be written, before the work whose result goes there. Leaves nothing behind.</summary>
    /// <exception cref="BadInputException">The path is that of a folder, or its folder does not exist or cannot be written to.</exception>
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
