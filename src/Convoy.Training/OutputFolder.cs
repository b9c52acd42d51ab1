namespace Convoy.Training;

/// <summary>A folder that the user asked for, checked before the work whose result goes there. The checks leave nothing behind.</summary>
public static class OutputFolder
{
    /// <summary>Refuses a folder that has something in it.</summary>
    /// <param name="path">The folder, which may be absent.</param>
    /// <param name="remedy">What to do about it.</param>
    /// <exception cref="BadInputException">The folder has something in it.</exception>
    public static void RequireEmpty(string path, string remedy = "Give a folder that is absent or empty.")
    {
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
        {
            throw new BadInputException("the output folder is not empty", path, remedy);
        }
    }

    /// <summary>Refuses a folder that cannot be written or, where it is absent, not be made.</summary>
    /// <param name="path">The folder, which may be absent.</param>
    /// <exception cref="BadInputException">The folder cannot be written, or a file is in its way.</exception>
    public static void RequireWritable(string path)
    {
        string folder = Path.GetFullPath(path);
        while (!Directory.Exists(folder))
        {
            if (File.Exists(folder))
            {
                throw new BadInputException("a file stands where a folder should be", folder, "Choose another path.");
            }

            folder = Path.GetDirectoryName(folder)!;
        }

        try
        {
            Probe(folder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadInputException("the folder cannot be written", path, $"Give a folder that you may write to: {error.Message}", error);
        }
    }

    /// <summary>Makes a file in an existing folder, and removes it.</summary>
    internal static void Probe(string folder) =>
        new FileStream(Path.Combine(folder, $".{Guid.NewGuid():N}.tmp"), FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
}
