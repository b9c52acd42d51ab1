using Convoy.Lanes.Data;

namespace Convoy.Lanes.Tests.Data;

/// <summary>Few bytes that claim many pixels.</summary>
public class ImageLimitTests
{
    public static TheoryData<string, byte[]> Claims => new()
    {
        { "30000x30000", TestPng.Of(new ImageSize(30000, 30000), 8, 2, new byte[100]) },
        { "20000x20000", TestPng.Of(new ImageSize(20000, 20000), 1, 0, new byte[100]) },
        { "9000x9000", TestPng.Of(new ImageSize(9000, 9000), 8, 2, new byte[100]) },
        { "65535x65535", [.. "GIF89a"u8, 0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x2C, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 2, 2, 0x44, 1, 0, 0x3B] },
        { "65000x65000", [.. TestJpegOf(65000, 65000)] },
    };

    [Theory]
    [MemberData(nameof(Claims), DisableDiscoveryEnumeration = true)]
    public void Read_FewBytesThatClaimManyPixels_NamesTheImageBeforeItIsDecoded(string claim, byte[] file)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("picture");
        File.WriteAllBytes(path, file);
        string expected = $"the image claims {claim} pixels in only {file.Length} bytes ({path}). Restore the file or remove its label.";
        using var reader = new ImageReader(new ImageSize(64, 64));
        using var masks = new MaskReader();
        byte[] pixels = new byte[64 * 64 * 4];

        Assert.Equal(expected, Assert.Throws<BadInputException>(() => ImageHeader.Read(path)).Message);
        Assert.Equal(expected, Assert.Throws<BadInputException>(() => reader.Read(path, pixels)).Message);
        Assert.Equal(expected, Assert.Throws<BadInputException>(() => masks.Read(path, new ImageSize(64, 64), pixels)).Message);
    }

    [Fact]
    public void Check_ImagesAndMasksThatClaimManyPixels_AreBrokenAndTheOthersGoOn()
    {
        using var folder = new TemporaryFolder();
        for (int i = 0; i < 3; i++)
        {
            SmallDataset.WriteFrame(folder, i);
            Directory.CreateDirectory(folder.File("masks"));
            File.WriteAllBytes(folder.File("masks", $"{i}.png"), TestPng.Plain(SmallDataset.Size, 8, 0, [0]));
        }

        File.WriteAllBytes(folder.File(SmallDataset.Label(0).RawFile), TestPng.Of(new ImageSize(30000, 30000), 8, 2, new byte[100]));
        File.WriteAllBytes(folder.File("masks", "1.png"), TestPng.Of(new ImageSize(40000, 30000), 8, 0, new byte[100]));
        folder.Write("seg_label/list/train.txt", string.Concat(Enumerable.Range(0, 3).Select(i => $"/{SmallDataset.Label(i).RawFile} /masks/{i}.png 1\n")));

        DatasetCheck check = DatasetCheck.Run(folder.Root, TestContext.Current.CancellationToken);

        Assert.Equal((3, 0, 2), (check.Frames, check.Missing, check.Broken));
        Assert.Equal([folder.File(SmallDataset.Label(0).RawFile), folder.File("masks", "1.png")], check.Problems.Select(problem => problem.File));
        Assert.Equal([KeyValuePair.Create(SmallDataset.Size, 2)], check.ImageSizes);
    }

    [Fact]
    public void Require_AboveTheLimit_SaysHowToAllowIt()
    {
        var size = new ImageSize(12000, 10000);

        string message = Assert.Throws<BadInputException>(() => ImageLimit.Parse(null).Require(size, "big.jpg", 40_000_000)).Message;

        Assert.Equal("the image has 12000x10000 pixels, but the limit is 100 megapixels (big.jpg). Scale it down, or set CONVOY_MAX_MEGAPIXELS to allow it.", message);
        ImageLimit.Parse("120").Require(size, "big.jpg", 40_000_000);
        ImageLimit.Parse("").Require(new ImageSize(10000, 10000), "big.jpg", 40_000_000);
        ImageLimit.Parse(null).Require(new ImageSize(3840, 2160), "a blank mask.png", 9000);
        ImageLimit.Parse(null).Require(new ImageSize(65500, 100), "a strip.png", 9000);
        Assert.Equal(
            "the image has 2x65535 pixels, but its longest side may have at most 65500 (a line.gif). Scale it down or remove its label.",
            Assert.Throws<BadInputException>(() => ImageLimit.Parse(null).Require(new ImageSize(2, 65535), "a line.gif", 60)).Message);
        Assert.Throws<BadInputException>(() => ImageLimit.Parse("0.5").Require(ImageSize.TuSimple, "small.jpg", 40_000));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-5")]
    [InlineData("501")]
    [InlineData("0,5")]
    [InlineData("NaN")]
    [InlineData("many")]
    public void Parse_NoNumberInItsRange_IsRefused(string value)
    {
        string message = Assert.Throws<BadInputException>(() => ImageLimit.Parse(value)).Message;

        Assert.Equal($"CONVOY_MAX_MEGAPIXELS is not a valid number of megapixels ({value}). Set it to a number above 0 and up to 500, or unset it for 100.", message);
    }

    private static byte[] TestJpegOf(int width, int height)
    {
        byte[] file = TestJpeg.FourInks(1, 2, 3, 4);
        int frame = file.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xFF, 0xC0]);
        (file[frame + 5], file[frame + 6], file[frame + 7], file[frame + 8]) = ((byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width);
        return file;
    }
}
