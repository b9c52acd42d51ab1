using System.IO.Compression;
using System.Xml.Linq;

namespace Convoy.Packages.Tests;

/// <summary>A .nupkg or .snupkg, read as the archive that it is.</summary>
/// <param name="path">The file.</param>
internal sealed class PackageFile(string path)
{
    /// <summary>The file's size.</summary>
    public long Bytes => new FileInfo(path).Length;

    /// <summary>The size of what is in it.</summary>
    public long UnpackedBytes => Read(archive => archive.Entries.Sum(entry => entry.Length));

    /// <summary>The files in it, sorted, without what every package has for its own sake.</summary>
    public IReadOnlyList<string> Files() => Read(archive => archive.Entries.Select(entry => entry.FullName)
        .Where(name => name != "[Content_Types].xml" && !name.StartsWith("_rels/", StringComparison.Ordinal) && !name.StartsWith("package/", StringComparison.Ordinal)
            && !name.EndsWith(".nuspec", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal).ToArray());

    /// <summary>A file's content.</summary>
    public byte[] Content(string name) => Read(archive =>
    {
        using Stream stream = archive.GetEntry(name)!.Open();
        var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    });

    /// <summary>A file's content as XML.</summary>
    public XDocument Xml(string name) => XDocument.Load(new MemoryStream(Content(name)));

    /// <summary>What the package says of itself, by the elements' names.</summary>
    public ILookup<string, XElement> Metadata() =>
        Xml(Read(archive => archive.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).FullName)).Descendants().ToLookup(element => element.Name.LocalName);

    private TResult Read<TResult>(Func<ZipArchive, TResult> read)
    {
        using ZipArchive archive = ZipFile.OpenRead(path);
        return read(archive);
    }
}
