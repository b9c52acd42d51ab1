namespace Convoy.Training.Tests;

public sealed class OutputFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void RequireWritable_AbsentFolder_LeavesNothing()
    {
        OutputFolder.RequireWritable(_folder.File("a", "b"));

        Assert.Empty(Directory.GetFileSystemEntries(_folder.Root));
    }

    [Fact]
    public void RequireWritable_FileInTheWay_NamesTheFile()
    {
        string file = _folder.Write("a", "mine");

        Assert.Contains($"({file})", Assert.Throws<BadInputException>(() => OutputFolder.RequireWritable(_folder.File("a", "b"))).Message, StringComparison.Ordinal);
        Assert.Equal([file], Directory.GetFileSystemEntries(_folder.Root));
    }

    [Fact]
    public void RequireWritable_FolderThatTakesNoFiles_IsBadInput()
    {
        Assert.SkipUnless(Directory.Exists("/proc/self"), "There is no /proc, whose folders take no files.");

        Assert.Contains("(/proc/self/run)", Assert.Throws<BadInputException>(() => OutputFolder.RequireWritable("/proc/self/run")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RequireEmpty_AbsentEmptyAndFullFolder_RefusesTheFullOne()
    {
        OutputFolder.RequireEmpty(_folder.File("absent"));
        OutputFolder.RequireEmpty(_folder.Root);
        _folder.Write("a", "mine");

        Assert.Throws<BadInputException>(() => OutputFolder.RequireEmpty(_folder.Root));
    }

    [Fact]
    public void RequireWritableFile_AbsentFolderOrFolder_IsBadInput()
    {
        OutputFile.RequireWritable(_folder.File("new.json"));

        Assert.Throws<BadInputException>(() => OutputFile.RequireWritable(_folder.File("no", "new.json")));
        Assert.Throws<BadInputException>(() => OutputFile.RequireWritable(_folder.Root));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Root));
    }
}
