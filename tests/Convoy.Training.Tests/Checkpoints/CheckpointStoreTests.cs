using Convoy.Training.Checkpoints;

namespace Convoy.Training.Tests.Checkpoints;

/// <summary>What names stand in a folder of checkpoints at which instant.</summary>
public sealed class CheckpointStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CheckpointStore _store;

    public CheckpointStoreTests() => _store = new CheckpointStore(_folder.Root);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Put_WhileItWrites_ShowsNoNewNameAndKeepsTheOldOne()
    {
        Put(3, "old");
        _store.Put(3, folder =>
        {
            Assert.Equal([".step-000003.unfinished", "step-000003"], Names());
            Assert.Equal("old", Text("step-000003"));
            File.WriteAllText(Path.Combine(folder, "text"), "new");
        });

        Assert.Equal(["step-000003"], Names());
        Assert.Equal("new", Text("step-000003"));
    }

    [Fact]
    public void Put_FailingWrite_LeavesWhatWasThere()
    {
        Put(3, "old");

        Assert.Throws<InvalidOperationException>(() => _store.Put(3, _ => throw new InvalidOperationException()));

        Assert.Equal(["step-000003"], Names());
        Assert.Equal("old", Text("step-000003"));
    }

    [Fact]
    public void All_KilledBetweenTheTwoRenames_StillHasTheOldOne()
    {
        Put(2, "two");
        Put(3, "old");
        Directory.Move(_folder.File("step-000003"), _folder.File(".step-000003.replaced"));
        Directory.CreateDirectory(_folder.File(".step-000003.unfinished"));

        Assert.Equal([2, 3], _store.All().Select(entry => entry.Step));
        Assert.Equal("old", File.ReadAllText(Path.Combine(_store.All()[^1].Folder, "text")));
        Assert.Equal("old", File.ReadAllText(Path.Combine(_store.Find(3), "text")));
        Assert.Equal(_folder.File("step-000009"), _store.Find(9));

        _store.Recover();
        Assert.Equal(["step-000002", "step-000003"], Names());
        Assert.Equal("old", Text("step-000003"));
    }

    [Fact]
    public void Recover_KilledAfterTheSecondRenameOrInADeletion_RemovesWhatIsOver()
    {
        Put(3, "new");
        _folder.Write(".step-000003.replaced/text", "old");
        _folder.Write(".step-000001.deleted/text", "gone");
        _folder.Write(".hidden/text", "mine");
        _folder.Write("step-000003-best/text", "mine");

        _store.Recover();

        Assert.Equal([".hidden", "step-000003", "step-000003-best"], Names());
        Assert.Equal("new", Text("step-000003"));
    }

    [Fact]
    public void DeleteOldest_NewerOnesThere_NeverDeletesTheStepItself()
    {
        foreach (long step in new long[] { 4, 5, 6, 8 })
        {
            Put(step, "x");
        }

        _store.DeleteOldest(keep: 1, isKept: step => step == 5);

        Assert.Equal(["step-000005", "step-000008"], Names());
    }

    [Fact]
    public void SetAsideAfter_Twice_KeepsBothOfAStep()
    {
        Put(4, "four");
        Put(8, "first");
        _store.SetAsideAfter(4);
        Assert.Equal(["step-000004", "step-000008.set-aside"], Names());

        Put(8, "second");
        _store.SetAsideAfter(4);

        Assert.Equal(["step-000004", "step-000008.set-aside", "step-000008.set-aside-2"], Names());
        Assert.Equal("first", Text("step-000008.set-aside"));
        Assert.Equal("second", Text("step-000008.set-aside-2"));
        Assert.Equal([4], _store.All().Select(entry => entry.Step));
    }

    private void Put(long step, string text) => _store.Put(step, folder => File.WriteAllText(Path.Combine(folder, "text"), text));

    private string Text(string name) => File.ReadAllText(_folder.File(name, "text"));

    private string[] Names() => [.. Directory.EnumerateFileSystemEntries(_folder.Root).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];
}
