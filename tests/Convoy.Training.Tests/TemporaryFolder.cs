namespace Convoy.Training.Tests;

/// <summary>A fresh folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("convoy-test-").FullName;

    public string File(params ReadOnlySpan<string> parts) => Path.Combine([Root, .. parts]);

    public string Write(string relative, string text)
    {
        string path = File(relative);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
