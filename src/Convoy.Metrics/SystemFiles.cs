namespace Convoy.Metrics;

/// <summary>The small text files in which Linux tells about itself. One that is absent or unreadable reads as empty.</summary>
/// <param name="root">The folder that holds <c>proc</c>, <c>sys</c> and <c>etc</c>: <c>/</c>, or a copy in a test.</param>
internal sealed class SystemFiles(string root)
{
    /// <summary>The lines of a file, such as <c>proc/meminfo</c>.</summary>
    public string[] Lines(string path)
    {
        try
        {
            string full = Path.Combine(root, path);
            return File.Exists(full) ? File.ReadAllLines(full) : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Containers hide some of these files; that is "not known", not a failure.
            return [];
        }
    }

    /// <summary>The names of the entries of a folder, sorted; empty when there is no such folder.</summary>
    public string[] Entries(string path)
    {
        try
        {
            string full = Path.Combine(root, path);
            return Directory.Exists(full) ? [.. Directory.EnumerateFileSystemEntries(full).Select(e => Path.GetFileName(e)!).Order(StringComparer.Ordinal)] : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
