namespace Convoy.Architecture.Tests;

/// <summary>Folders use each other one way, those above a folder included.</summary>
public sealed class FolderTests
{
    [Fact]
    public void Folders_OfAllProjects_HaveNoCircles() => Assert.Equal(string.Empty, string.Join("\n", FolderGraph.Read().Circles()));

    [Fact]
    public void Uses_OfFolders_AreSeen() => Assert.True(FolderGraph.Read().Uses.Count > 50, "The graph of folders is nearly empty: it does not read the sources any more.");
}
