using System.Buffers.Binary;
using Convoy.Training.Loading;

namespace Convoy.Training.Tests.Loading;

public sealed class SampleCacheTests : IDisposable
{
    private const int Count = 5;
    private const int SampleBytes = 100;

    private static readonly SampleCacheFormat Format = new()
    {
        Name = "numbers",
        Signature = "NUMBERS!",
        Version = 3,
        Count = Count,
        SampleBytes = SampleBytes,
        Shape = (7, 8, 9),
    };

    private readonly TemporaryFolder _folder = new();
    private int _prepared;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void OpenOrBuild_AnyWorkers_GivesWhatPreparationGave(int workers)
    {
        using SampleCache cache = SampleCache.OpenOrBuild(_folder.File("cache"), Format, Key(1), Prepare, workers, cancellation: Token);

        for (int index = 0; index < Count; index++)
        {
            Assert.Equal(Enumerable.Repeat((byte)(index + 1), SampleBytes), cache.Sample(index).ToArray());
            Assert.Equal(-1L - index, cache.Tag(index));
            Assert.Equal(0, cache.Address(index) % 64);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Address(Count));
    }

    [Fact]
    public void OpenOrBuild_Again_PreparesNothing()
    {
        Open(Format, Key(1)).Dispose();
        Open(Format, Key(1)).Dispose();

        Assert.Equal(Count, _prepared);
    }

    [Fact]
    public void OpenOrBuild_OtherKey_HasItsOwnFileAndOtherFormatReplacesIt()
    {
        Open(Format, Key(1)).Dispose();
        Open(Format, Key(2)).Dispose();
        Assert.Equal(2, Directory.GetFiles(_folder.File("cache"), "numbers-*.cache").Length);

        Open(Format with { Version = 4 }, Key(2)).Dispose();

        Assert.Equal(2, Directory.GetFiles(_folder.File("cache"), "numbers-*.cache").Length);
        Assert.Equal(3 * Count, _prepared);
    }

    /// <summary>Files of older versions stay valid: the layout is that of the first.</summary>
    [Fact]
    public void File_OfACache_HasTheDocumentedLayout()
    {
        Open(Format, Key(1)).Dispose();
        byte[] file = File.ReadAllBytes(Assert.Single(Directory.GetFiles(_folder.File("cache"), "numbers-010101010101010101010101.cache")));

        Assert.Equal(4096 + (Count * 128), file.Length);
        Assert.Equal("NUMBERS!"u8.ToArray(), file[..8]);
        Assert.Equal([3, 7, 8, Count, 9], Enumerable.Range(0, 5).Select(i => BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(8 + (4 * i)))));
        Assert.Equal(Key(1), file[28..60]);
        Assert.Equal(-3, BinaryPrimitives.ReadInt64LittleEndian(file.AsSpan(64 + (2 * 16))));
        Assert.Equal(Enumerable.Repeat((byte)3, SampleBytes), file[(4096 + (2 * 128))..][..SampleBytes]);
    }

    [Fact]
    public void OpenOrBuild_PreparationFails_LeavesNoFile()
    {
        var error = Assert.Throws<FormatException>(() =>
            SampleCache.OpenOrBuild(_folder.File("cache"), Format, Key(1), (_, _) => throw new FormatException("no sample"), 2, cancellation: Token));

        Assert.Equal("no sample", error.Message);
        Assert.Empty(Directory.GetFiles(_folder.File("cache"), "*.cache"));
        Assert.Empty(Directory.GetFiles(_folder.File("cache"), "*.tmp"));
    }

    [Fact]
    public void OpenOrBuild_FormatOrKeyThatCannotBe_IsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Open(Format, [1, 2, 3]));
        Assert.Throws<ArgumentException>(() => Open(Format with { Signature = "short" }, Key(1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Open(Format with { SampleBytes = 0 }, Key(1)));
    }

    [Fact]
    public void FromFiles_FileChangedOrAbsent_ChangesTheKeyOrIsBadInput()
    {
        string[] files = [_folder.Write("a", "1"), _folder.Write("b", "22")];
        byte[] key = SampleCacheKey.FromFiles("numbers 1", files);

        Assert.Equal(key, SampleCacheKey.FromFiles("numbers 1", files));
        Assert.NotEqual(key, SampleCacheKey.FromFiles("numbers 2", files));
        Assert.NotEqual(key, SampleCacheKey.FromFiles("numbers 1", files.Reverse()));
        File.SetLastWriteTimeUtc(files[1], new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.NotEqual(key, SampleCacheKey.FromFiles("numbers 1", files));
        File.Delete(files[0]);
        Assert.Contains($"({files[0]})", Assert.Throws<BadInputException>(() => SampleCacheKey.FromFiles("numbers 1", files)).Message, StringComparison.Ordinal);
    }

    private static byte[] Key(byte value) => [.. Enumerable.Repeat(value, SampleCacheKey.Length)];

    private SampleCache Open(SampleCacheFormat format, byte[] key) =>
        SampleCache.OpenOrBuild(_folder.File("cache"), format, key, Prepare, 2, cancellation: Token);

    private long Prepare(int index, Span<byte> bytes)
    {
        Interlocked.Increment(ref _prepared);
        bytes.Fill((byte)(index + 1));
        return -1L - index;
    }
}
