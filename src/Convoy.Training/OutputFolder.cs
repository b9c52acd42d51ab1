namespace Convoy.Training;

/// <summary>A folder for output, checked before the work whose result goes there. The checks leave nothing behind.</summary>
public static class OutputFolder
{
    /// <summary>Checks that a folder is empty or absent.</summary>
    /// <param name="path">The folder, which may be absent.</param>
    /// <param name="remedy">What to do about it.</param>
    /// <exception cref="BadInputException">The folder is not empty.</exception>
    public static void RequireEmpty(string path, string remedy = "Give a folder that is absent or empty.")
    {
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new BadInputException("the output folder is not empty", path, remedy);
        }
    }

    /// <summary>Checks that a folder is writable or, if absent, can be created.</summary>
    /// <param name="path">The folder, which may be absent.</param>
    /// <exception cref="BadInputException">The folder cannot be written or created.</exception>
    public static void RequireWritable(string path)
    {
        string folder = Path.GetFullPath(path);
        while (!Directory.Exists(folder))
        {
            if (File.Exists(folder))
            {
                throw new BadInputException("there is a file where a folder should be", folder, "Choose another path.");
            }

            folder = Path.GetDirectoryName(folder)!;
        }

        try
        {
            Probe(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException("the folder cannot be written to", path, $"Give a folder that you may write to: {error.Message}", error);
        }
    }

    /// <summary>Creates a file in an existing folder, and removes it.</summary>
    internal static void Probe(string folder) =>
        new FileStream(Path.Combine(folder, $".{Guid.NewGuid():N}.tmp"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
}
