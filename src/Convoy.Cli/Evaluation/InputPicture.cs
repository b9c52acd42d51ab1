using System.Globalization;
using Convoy.Training;

namespace Convoy.Cli.Evaluation;

/// <summary>A picture to find lanes in.</summary>
/// <param name="Path">The file.</param>
/// <param name="RawFile">
/// How its prediction names it, with forward slashes: relative to the folder that was given when it was the only thing
/// given, as in TuSimple's labels; else as it was given, so that it leads to the picture from the working directory.
/// </param>
/// <param name="OverlayName">The file name of its overlay picture, which no other picture has.</param>
internal sealed record InputPicture(string Path, string RawFile, string OverlayName)
{
    private static readonly string[] Endings = [".jpg", ".jpeg", ".png", ".webp", ".bmp"];

    /// <summary>The pictures of a command line, each once.</summary>
    /// <param name="inputs">Files and folders.</param>
    /// <exception cref="BadInputException">Something does not exist, or a folder has no pictures.</exception>
    public static IReadOnlyList<InputPicture> Find(IReadOnlyList<string> inputs)
    {
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        return
        [
            .. inputs.SelectMany(FilesOf)
                .DistinctBy(file => System.IO.Path.GetFullPath(file.Path), StringComparer.Ordinal)
                .Select(file => new InputPicture(file.Path, Slashes(inputs is [_] && Directory.Exists(inputs[0]) ? file.Name : file.Path), OverlayOf(file.Name, taken))),
        ];
    }

    private static IEnumerable<(string Path, string Name)> FilesOf(string input)
    {
        if (File.Exists(input))
        {
            return [(input, System.IO.Path.GetFileName(input))];
        }

        if (!Directory.Exists(input))
        {
            throw new BadInputException("no such picture or folder", input, "Check the path.");
        }

        (string Path, string Name)[] found =
        [
            .. Directory.EnumerateFiles(input, "*", SearchOption.AllDirectories)
                .Where(file => Endings.Contains(System.IO.Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
                .Order(StringComparer.Ordinal)
                .Select(file => (file, System.IO.Path.GetRelativePath(input, file))),
        ];
        return found.Length > 0 ? found : throw new BadInputException("no pictures in the folder", input, $"Give a folder with {string.Join(", ", Endings)} files.");
    }

    // Two folders may hold pictures of one name, or one folder x.jpg and x.png: none may replace the other's overlay.
    private static string OverlayOf(string name, HashSet<string> taken)
    {
        string flat = System.IO.Path.ChangeExtension(Slashes(name).Replace('/', '-'), null);
        string own = flat + ".jpg";
        for (int copy = 2; !taken.Add(own); copy++)
        {
            own = string.Create(CultureInfo.InvariantCulture, $"{flat}-{copy}.jpg");
        }

        return own;
    }

    private static string Slashes(string path) => path.Replace(System.IO.Path.DirectorySeparatorChar, '/');
}
