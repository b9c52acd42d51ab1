namespace Convoy.Lanes.Data;

/// <summary>What to do about a file that labels name and that is not there.</summary>
internal static class MissingFile
{
    /// <summary>The remedy: <paramref name="usual"/>, unless the path itself says why the file is not found.</summary>
    public static string Remedy(string path, string usual) => path.Contains('\\') && Path.DirectorySeparatorChar != '\\'
        ? "The path has backslashes, as on Windows: write forward slashes in the labels, such as clips/a/20.jpg."
        : usual;
}
