using Convoy.Lanes.Data;

namespace Convoy.Lanes.Tests.Data;

public class FrameCacheTests
{
    private static readonly ImageSize Size = new(160, 96);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void OpenOrBuild_Twice_UsesTheSameFileWithoutWritingIt()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 3);
        Build(folder, dataset).Dispose();
        string file = CacheFile(folder);
        DateTime written = File.GetLastWriteTimeUtc(file);

        using FrameCache cache = Build(folder, dataset);

        Assert.Equal(written, File.GetLastWriteTimeUtc(CacheFile(folder)));
        Assert.Equal(SmallDataset.Size, cache.OriginalSize(2));
        Assert.Empty(Directory.GetFiles(folder.File("cache"), "*.tmp"));
    }

    [Fact]
    public void OpenOrBuild_AnImageChanged_MakesAnotherFileWithTheNewPixels()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 3);
        byte[] before;
        using (FrameCache cache = Build(folder, dataset))
        {
            before = Pixels(cache, 1);
        }

        File.Copy(dataset.Frames[2].ImagePath, dataset.Frames[1].ImagePath, overwrite: true);
        using FrameCache changed = Build(folder, dataset);

        Assert.Equal(2, Directory.GetFiles(folder.File("cache"), "*.cache").Length);
        Assert.NotEqual(before, Pixels(changed, 1));
        Assert.Equal(Pixels(changed, 2), Pixels(changed, 1));
    }

    [Fact]
    public void OpenOrBuild_OtherSizeOrSelection_HasItsOwnFile()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 3);
        Build(folder, dataset).Dispose();
        Build(folder, dataset.Select([2, 0])).Dispose();
        FrameCache.OpenOrBuild(folder.File("cache"), dataset, new ImageSize(64, 64), 1, TimeProvider.System, Token).Dispose();

        Assert.Equal(3, Directory.GetFiles(folder.File("cache"), "*.cache").Length);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("header")]
    [InlineData("index")]
    [InlineData("pixel")]
    [InlineData("empty")]
    public void OpenOrBuild_DamagedFile_IsBuiltAgain(string damage)
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 3);
        Build(folder, dataset).Dispose();
        string file = CacheFile(folder);
        byte[] good = File.ReadAllBytes(file);
        byte[] bad = [.. good];
        int at = damage switch { "header" => 9, "index" => 64 + 17, _ => 4096 + 1234 };
        bad[at] ^= 1;
        File.WriteAllBytes(file, damage switch { "cut" => good[..^1], "empty" => [], _ => bad });

        Build(folder, dataset).Dispose();

        Assert.Equal(good, File.ReadAllBytes(file));
    }

    [Fact]
    public void OpenOrBuild_ManyAtOnce_AllGetTheSamePixelsAndNothingIsLeft()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 5);
        var caches = new FrameCache[6];
        var errors = new Exception?[caches.Length];
        Thread[] threads = [.. Enumerable.Range(0, caches.Length).Select(i => new Thread(() =>
        {
            try
            {
                caches[i] = Build(folder, dataset);
            }
            catch (Exception error)
            {
                errors[i] = error;
            }
        }))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        Assert.All(errors, Assert.Null);
        byte[] expected = Pixels(caches[0], 4);
        Assert.All(caches, cache => Assert.Equal(expected, Pixels(cache, 4)));
        Assert.Single(Directory.GetFiles(folder.File("cache"), "*.cache"));
        Assert.Empty(Directory.GetFiles(folder.File("cache"), "*.tmp"));
        Array.ForEach(caches, cache => cache.Dispose());
    }

    [Fact]
    public void OpenOrBuild_LeftoverOfAKilledBuild_IsRemoved()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 2);
        Build(folder, dataset).Dispose();
        string file = CacheFile(folder);
        File.Delete(file);
        File.WriteAllText(Path.ChangeExtension(file, ".0123.tmp"), "half");
        File.WriteAllText(folder.File("cache", "other.tmp"), "somebody else's");

        Build(folder, dataset).Dispose();

        Assert.Equal([folder.File("cache", "other.tmp")], Directory.GetFiles(folder.File("cache"), "*.tmp"));
    }

    [Fact]
    public void OpenOrBuild_BadImageOrFolder_SaysSoAndLeavesNoFile()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 3);
        string occupied = folder.Write("occupied", "a file");
        Assert.Throws<BadInputException>(() => FrameCache.OpenOrBuild(occupied, dataset, Size, 1, TimeProvider.System, Token));
        File.WriteAllText(dataset.Frames[1].ImagePath, "no picture");

        var error = Assert.Throws<BadInputException>(() => Build(folder, dataset));

        Assert.Contains(dataset.Frames[1].ImagePath, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.File("cache"), "*.tmp"));
        Assert.Empty(Directory.GetFiles(folder.File("cache"), "*.cache"));
    }

    private static FrameCache Build(TemporaryFolder folder, LaneDataset dataset) =>
        FrameCache.OpenOrBuild(folder.File("cache"), dataset, Size, 2, TimeProvider.System, Token);

    private static string CacheFile(TemporaryFolder folder) => Assert.Single(Directory.GetFiles(folder.File("cache"), "*.cache"));

    private static byte[] Pixels(FrameCache cache, int index)
    {
        byte[] pixels = new byte[PixelBuffer.ByteCount(Size)];
        System.Runtime.InteropServices.Marshal.Copy(cache.Pixels(index), pixels, 0, pixels.Length);
        return pixels;
    }
}
