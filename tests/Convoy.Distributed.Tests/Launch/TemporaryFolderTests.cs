using Convoy.Distributed.Launch;

namespace Convoy.Distributed.Tests.Launch;

public sealed class TemporaryFolderTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("convoy-temporary-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Create_FirstIsMissing_TakesTheNextAndSaysSo()
    {
        string missing = Path.Combine(_directory, "missing"), file = Path.Combine(_directory, "file");
        File.WriteAllText(file, "");
        var notices = new List<string>();

        DirectoryInfo made = TemporaryFolder.Create("convoy-x-", [missing, file, _directory], notices.Add);

        Assert.Equal(_directory, made.Parent!.FullName);
        Assert.StartsWith("convoy-x-", made.Name, StringComparison.Ordinal);
        Assert.Empty(made.GetFileSystemInfos());
        Assert.Equal($"temporary files go to {_directory} ({TemporaryFolder.Describe()}: there is no such folder; {file}: it is a file). Set TMPDIR to an existing folder that you may write to.", Assert.Single(notices));
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(made.FullName) == (UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
    }

    [Fact]
    public void Create_NoneCanBeWritten_NamesAllAndWhatToDo()
    {
        string missing = Path.Combine(_directory, "missing");
        string message = Assert.Throws<IOException>(() => TemporaryFolder.Create("convoy-x-", [missing, missing + "2"], null)).Message;

        Assert.Equal(
            $"there is no writable folder for temporary files ({TemporaryFolder.Describe()}: there is no such folder; {missing}2: there is no such folder). Set TMPDIR to an existing folder with free space that you may write to.",
            message);
    }

    [Fact]
    public void Create_FolderIsFull_TakesTheNextAndLeavesNothing()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Directory.Exists("/proc/self/fdinfo"), "needs a folder that refuses files");

        // A folder of the kernel's, in which not even root can make one.
        DirectoryInfo made = TemporaryFolder.Create("convoy-x-", ["/proc/self/fdinfo", _directory], null);

        Assert.Equal(_directory, made.Parent!.FullName);
    }
}
