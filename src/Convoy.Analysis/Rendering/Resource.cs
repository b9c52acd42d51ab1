using System.Reflection;

namespace Convoy.Analysis.Rendering;

/// <summary>Texts that come with the library: style sheets and the page's script.</summary>
internal static class Resource
{
    /// <summary>The whole text of a file under Rendering, with line ends of one kind.</summary>
    /// <param name="name">The file's name.</param>
    public static string Text(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The library lacks its resource {name}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
