using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Tests.Rendezvous;

public sealed class FileStoreTests : IDisposable
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(200);
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("convoy-filestore-tests-");

    private string FilePath => Path.Combine(_folder.FullName, "store");

    [Fact]
    public void Dispose_LastOfTheWorld_DeletesTheFile()
    {
        var a = new FileStore(FilePath, 2);
        a.Set("key", "1");
        a.Dispose();
        Assert.True(File.Exists(FilePath), "one of two deleted it");
        var b = new FileStore(FilePath, 2);
        Assert.Equal("1", b.GetText("key"));
        b.Dispose();
        b.Dispose();
        Assert.False(File.Exists(FilePath), "the last of two did not delete it");
    }

    [Fact]
    public void Dispose_WorldSizeUnknown_LeavesTheFile()
    {
        new FileStore(FilePath).Dispose();
        Assert.True(File.Exists(FilePath));
    }

    [Fact]
    public void Dispose_FileDeletedBySomebody_IsQuiet()
    {
        var store = new FileStore(FilePath, 2);
        File.Delete(FilePath);
        Assert.Contains("deleted while the job was using it", Assert.Throws<RendezvousException>(() => store.Set("key", "1")).Message, StringComparison.Ordinal);
        store.Dispose();
        Assert.False(File.Exists(FilePath));
    }

    [Fact]
    public void Open_MoreProcessesThanTheWorld_SaysThatTheFileIsUsedUp()
    {
        using var a = new FileStore(FilePath, 1);
        string message = Assert.Throws<RendezvousException>(() => new FileStore(FilePath, 1)).Message;
        Assert.Contains("already in use", message, StringComparison.Ordinal);
        Assert.Contains(FilePath, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_FileOfAKilledStart_ServesTheNextGeneration()
    {
        // The first start's process never leaves: it was killed.
        var killed = new FileStore(FilePath, 1, generation: "run/0");
        killed.Set("key", "stale");
        var next = new FileStore(FilePath, 1, generation: "run/1");
        Assert.Equal("stale", next.GetText("key"));
        next.Dispose();
        Assert.False(File.Exists(FilePath));
    }

    [Fact]
    public void Open_EmptyFileOfMktemp_IsNew()
    {
        File.WriteAllBytes(FilePath, []);
        using var store = new FileStore(FilePath, 1);
        Assert.Equal(1, store.Add("n", 1));
    }

    [Fact]
    public void Open_AnyPlaceWhereTheWriterMayHaveEnded_GivesAllWholeRecords()
    {
        byte[] whole = Written();
        for (int length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(FilePath, whole[..length]);
            using var store = new FileStore(FilePath);
            int count = store.CountKeys();
            Assert.InRange(count, 0, 2);
            Assert.Equal(count == 0 ? [] : count == 1 ? ["first"] : ["first", "second"], new[] { "first", "second" }.Where(store.Contains));

            // What is added now follows the last whole record.
            store.Set("third", "3");
            using var reader = new FileStore(FilePath);
            Assert.Equal("3", reader.GetText("third", TimeSpan.Zero));
            Assert.Equal(count + 1, reader.CountKeys());
        }
    }

    [Fact]
    public void Open_FileMarkedAsClosed_StartsANewOne()
    {
        // The last process ended between marking the file and deleting it.
        byte[] mark = new FileStoreRecord(FileStoreRecordKind.Closed, "", []).ToBytes();
        File.WriteAllBytes(FilePath, [.. Written(), .. mark]);
        using var store = new FileStore(FilePath, 1);
        Assert.Equal(0, store.CountKeys());
    }

    [Theory]
    [InlineData("some text that is longer than the header")]
    [InlineData("other")]
    [InlineData("convoy-filestore-1\n\u0001\0\0\0xxxxxxx")]
    [InlineData("convoy-filestore-1\n\u0004\0\0\0\u0009\0\0x")]
    public void Open_AnotherProgramsFile_SaysSoAndLeavesIt(string content)
    {
        File.WriteAllText(FilePath, content);
        Assert.Contains("not a Convoy store", Assert.Throws<RendezvousException>(() => new FileStore(FilePath, 1)).Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(FilePath));
    }

    [Fact]
    public void Open_FolderMissing_SaysSo()
    {
        string path = Path.Combine(_folder.FullName, "missing", "store");
        Assert.Contains("Give a file in an existing folder", Assert.Throws<RendezvousException>(() => new FileStore(path, 1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Set_LockHeldBySomebody_TimesOutNamingTheFile()
    {
        using var store = new FileStore(FilePath, 1, Short);
        using (new FileStream(FilePath, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            Assert.Contains($"stays locked for 0.2 s ({FilePath})", Assert.Throws<RendezvousException>(() => store.Set("key", "1")).Message, StringComparison.Ordinal);
        }

        store.Set("key", "1");
    }

    [Fact]
    public void Open_OnUnix_CreatesTheFileForItsUserAlone()
    {
        using var store = new FileStore(FilePath, 1);
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Windows has no file modes");
        }
        else
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private byte[] Written()
    {
        using (var store = new FileStore(FilePath))
        {
            store.Set("first", "1");
            store.Set("second", "22");
        }

        return File.ReadAllBytes(FilePath);
    }
}
