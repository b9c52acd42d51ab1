using Convoy.Torch.Kernels;

namespace Convoy.Torch.Tests.Kernels;

public sealed class CacheSizesTests
{
    [Fact]
    public void Read_LinuxsFiles_GivesTheSecondAndTheLastLevelOfData()
    {
        using var folder = new Folder();
        folder.Add("index0", "1", "Data", "48K");
        folder.Add("index1", "1", "Instruction", "32K");
        folder.Add("index2", "2", "Unified", "2048K");
        folder.Add("index3", "3", "Unified", "107520K");

        Assert.Equal(new CacheSizes(2 << 20, 105L << 20), CacheSizes.Read(folder.Path));
    }

    [Fact]
    public void Read_NoThirdLevel_TakesTheSecondAsTheLast()
    {
        using var folder = new Folder();
        folder.Add("index2", "2", "Unified", "4096K");

        Assert.Equal(new CacheSizes(4 << 20, 4 << 20), CacheSizes.Read(folder.Path));
    }

    [Fact]
    public void Read_NothingOrOtherText_GivesWhatIsAssumed()
    {
        using var folder = new Folder();
        Assert.Equal(CacheSizes.Assumed, CacheSizes.Read(Path.Combine(folder.Path, "none")));
        folder.Add("index2", "two", "Unified", "many");

        Assert.Equal(CacheSizes.Assumed, CacheSizes.Read(folder.Path));
    }

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("convoy-caches-").FullName;

        public void Add(string index, string level, string type, string size)
        {
            string cache = Directory.CreateDirectory(System.IO.Path.Combine(Path, index)).FullName;
            File.WriteAllText(System.IO.Path.Combine(cache, "level"), level + "\n");
            File.WriteAllText(System.IO.Path.Combine(cache, "type"), type + "\n");
            File.WriteAllText(System.IO.Path.Combine(cache, "size"), size + "\n");
        }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
