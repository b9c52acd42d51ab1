using System.Diagnostics;
using System.Globalization;

namespace Convoy.Packages.Tests;

/// <summary>All packages of the repository in a folder, packed once for all tests that want them, from a build of their own.</summary>
public sealed class PackedFeed : IDisposable
{
    /// <summary>Why most of these tests are not part of the plain test command.</summary>
    internal const string TakesMinutes = "Packing and restoring take minutes: set CONVOY_TESTS=all, as .ci/run does.";

    private readonly string _root = Directory.CreateTempSubdirectory("convoy-packages-").FullName;
    private readonly Lazy<string> _folder;

    public PackedFeed() => _folder = new Lazy<string>(Pack);

    /// <summary>The packages' version, which no other build makes.</summary>
    internal string Version { get; } = string.Create(CultureInfo.InvariantCulture, $"0.1.0-packed.{Environment.ProcessId}.{Stopwatch.GetTimestamp()}");

    /// <summary>The folder that holds the packages.</summary>
    internal string Folder => _folder.Value;

    /// <summary>The machine of somebody who has .NET and nothing else; the same for all tests, so that libtorch is unpacked once.</summary>
    internal StrangersMachine Machine => field ??= new StrangersMachine(Path.Combine(_root, "stranger"), Folder);

    /// <summary>A package.</summary>
    internal PackageFile Open(string id, string extension = "nupkg") => new(Path.Combine(Folder, $"{id}.{Version}.{extension}"));

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string Pack()
    {
        string feed = Path.Combine(_root, "feed");
        string[] arguments = ["pack", "Convoy.slnx", "-c", "Release", "-v", "quiet", "-o", feed, $"-p:Version={Version}", $"-p:ArtifactsPath={Path.Combine(_root, "artifacts")}"];
        Surroundings.Run(Surroundings.Repository, new Dictionary<string, string>(), "dotnet", arguments).Expect(0);
        return feed;
    }
}

/// <summary>The tests that share a <see cref="PackedFeed"/>.</summary>
[CollectionDefinition(nameof(PackedFeed))]
public sealed class PackedFeedCollection : ICollectionFixture<PackedFeed>;
