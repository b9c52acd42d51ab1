using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using SkiaSharp;

namespace Convoy.Lanes.Tests.Drawing.Roads;

public sealed class SyntheticDatasetTests : IDisposable
{
    private static readonly SyntheticOptions Small = new() { Frames = 5, Seed = 3, Size = new ImageSize(320, 180) };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Write_SameSeed_GivesTheSameBytes()
    {
        Draw(In("a"), Small);
        Draw(In("b"), Small);

        string[] files = Files("a");
        Assert.Equal(Small.Frames + 1, files.Length);
        Assert.Equal(files, Files("b"));
        Assert.All(files, file => Assert.Equal(File.ReadAllBytes(Path.Combine(In("a"), file)), File.ReadAllBytes(Path.Combine(In("b"), file))));
    }

    [Fact]
    public void Write_AnotherSeed_GivesOtherPicturesAndLabels()
    {
        Draw(In("a"), Small);
        Draw(In("b"), Small with { Seed = 4 });

        Assert.All(Files("a"), file => Assert.NotEqual(File.ReadAllBytes(Path.Combine(In("a"), file)), File.ReadAllBytes(Path.Combine(In("b"), file))));
    }

    [Fact]
    public void Write_MoreFrames_LeavesTheFirstOnesAsTheyAre()
    {
        IReadOnlyList<TuSimpleLabel> few = Draw(In("few"), Small with { Frames = 2 });
        Draw(In("more"), Small);

        Assert.All(few, label => Assert.Equal(
            File.ReadAllBytes(Path.Combine(In("few"), label.RawFile)), File.ReadAllBytes(Path.Combine(In("more"), label.RawFile))));
    }

    [Fact]
    public void Write_DefaultSize_IsReadAsTuSimple()
    {
        Draw(In("data"), new SyntheticOptions { Frames = 3 });

        IReadOnlyList<TuSimpleLabel> labels = TuSimpleLabelFile.Read(Path.Combine(In("data"), SyntheticDataset.LabelFileName));
        Assert.Equal(["clips/synth/000000/20.jpg", "clips/synth/000001/20.jpg", "clips/synth/000002/20.jpg"], labels.Select(label => label.RawFile));
        foreach (TuSimpleLabel label in labels)
        {
            Assert.Equal(56, label.HSamples.Length);
            Assert.All(label.Lanes, lane => Assert.Equal(56, lane.Length));
            Assert.All(label.Lanes.SelectMany(lane => lane), x => Assert.Equal(Math.Round(x), x));
            using SKCodec codec = SKCodec.Create(Path.Combine(In("data"), label.RawFile));
            Assert.Equal(SKEncodedImageFormat.Jpeg, codec.EncodedFormat);
            Assert.Equal(new SKSizeI(1280, 720), codec.Info.Size);
        }
    }

    [Fact]
    public void Write_EmptyDirectory_IsFilled()
    {
        Directory.CreateDirectory(In("data"));

        Draw(In("data"), Small);

        Assert.Equal(Small.Frames + 1, Files("data").Length);
        Assert.Equal([In("data")], Directory.GetFileSystemEntries(_folder.Root));
    }

    [Fact]
    public void Write_DirectoryWithAFile_IsRefusedAndUntouched()
    {
        Directory.CreateDirectory(In("data"));
        File.WriteAllText(Path.Combine(In("data"), "mine.txt"), "mine");

        var error = Assert.Throws<BadInputException>(() => Draw(In("data"), Small));

        Assert.StartsWith("the output directory is not empty", error.Message, StringComparison.Ordinal);
        Assert.Equal(["mine.txt"], Files("data"));
        Assert.Equal("mine", File.ReadAllText(Path.Combine(In("data"), "mine.txt")));
        Assert.Equal([In("data")], Directory.GetFileSystemEntries(_folder.Root));
    }

    [Fact]
    public void Write_PathOfAFile_IsRefused()
    {
        File.WriteAllText(In("file"), "mine");

        Assert.Throws<BadInputException>(() => Draw(In("file"), Small));
        Assert.Throws<BadInputException>(() => Draw(In("file/below"), Small));
        Assert.Equal("mine", File.ReadAllText(In("file")));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(SyntheticOptions.MostFrames + 1)]
    public void Write_FramesOutOfRange_IsRefusedBeforeAnythingIsWritten(int frames)
    {
        Assert.Throws<BadInputException>(() => Draw(In("data"), Small with { Frames = frames }));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Root));
    }

    [Fact]
    public void Write_CancelledMidway_LeavesNothing()
    {
        using var stop = new CancellationTokenSource();
        var stopAtFirst = new StopAtFirst(stop);

        Assert.ThrowsAny<OperationCanceledException>(() =>
            SyntheticDataset.Write(In("data"), Small with { Frames = 200 }, stopAtFirst, stop.Token));

        Assert.True(stopAtFirst.Drawn > 0);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Root));
    }

    private static IReadOnlyList<TuSimpleLabel> Draw(string directory, SyntheticOptions options) =>
        SyntheticDataset.Write(directory, options, cancellation: TestContext.Current.CancellationToken);

    private string In(string name) => _folder.File(name);

    private string[] Files(string name) =>
        [.. Directory.EnumerateFiles(In(name), "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(In(name), path)).Order(StringComparer.Ordinal)];

    private sealed class StopAtFirst(CancellationTokenSource stop) : IProgress<int>
    {
        private int _drawn;

        public int Drawn => _drawn;

        public void Report(int value)
        {
            Interlocked.Increment(ref _drawn);
            stop.Cancel();
        }
    }
}
