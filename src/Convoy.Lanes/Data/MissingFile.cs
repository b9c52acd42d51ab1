namespace Convoy.Lanes.Data;

/// <summary>What to do about a file that labels name and that is not there.</summary>
public static class MissingFile
{
    /// <summary>The remedy: <paramref name="usual"/>, unless the path itself says why the file is not found.</summary>
    /// <param name="path">Where the file was looked for.</param>
    /// <param name="usual">What to do otherwise: one sentence with its full stop.</param>
    public static string Remedy(string path, string usual) => path.Contains('\\') && Path.DirectorySeparatorChar != '\\'
        ? "The path has backslashes, as on Windows: write forward slashes in the labels, such as clips/a/20.jpg."
        : usual;
}
