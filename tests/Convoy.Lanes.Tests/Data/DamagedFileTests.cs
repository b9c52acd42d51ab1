using System.Text;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing;
using SkiaSharp;

namespace Convoy.Lanes.Tests.Data;

/// <summary>Whatever the bytes of a file: a reader reads it or says in its own words what is wrong.</summary>
public class DamagedFileTests
{
    private static readonly byte[][] JsonWords =
    [
        "NaN"u8.ToArray(), "-Infinity"u8.ToArray(), "1e999"u8.ToArray(), "\\ud800"u8.ToArray(), "\\u0000"u8.ToArray(), "\""u8.ToArray(), "'"u8.ToArray(), "["u8.ToArray(), "]"u8.ToArray(),
        "{"u8.ToArray(), "}"u8.ToArray(), ","u8.ToArray(), "\n"u8.ToArray(), "null"u8.ToArray(), "{}"u8.ToArray(), [0], [0xFF, 0xFE], [0xEF, 0xBB, 0xBF], [0xC3], Encoding.ASCII.GetBytes(new string('[', 80)),
        "\"raw_file\":null,"u8.ToArray(), "\"\\ud800\":1,"u8.ToArray(), "\"raw_file\":\"\\udc00\","u8.ToArray(), "{\"lanes\":"u8.ToArray(),
    ];

    [Fact]
    public void Labels_Mutants_AreReadOrRefused()
    {
        using var folder = new TemporaryFolder();
        TuSimpleLabelFile.Write(folder.File("whole"), [SmallDataset.Label(0), SmallDataset.Label(3), new TuSimpleLabel("x.jpg", [], [])]);
        byte[] lines = File.ReadAllBytes(folder.File("whole"));
        byte[] list = Encoding.UTF8.GetBytes($"[{string.Join(",\n", File.ReadAllLines(folder.File("whole")))}]");
        byte[] apart = Encoding.UTF8.GetBytes(File.ReadAllText(folder.File("whole")).Replace(",", ",\n  ", StringComparison.Ordinal));

        AssertReadOrRefused(folder, [lines, list, apart], 400, path => TuSimpleLabelFile.Read(path), JsonWords);
    }

    [Fact]
    public void DataSets_MutantsOfLabels_AreReadOrRefused()
    {
        using var folder = new TemporaryFolder();
        SmallDataset.Write(folder, 2);
        byte[] whole = File.ReadAllBytes(folder.File("label_data_test.json"));
        File.Delete(folder.File("label_data_test.json"));

        AssertReadOrRefused(folder, [whole], 200, path => DatasetCheck.Run(path), JsonWords);
    }

    [Fact]
    public void Lists_Mutants_AreReadOrRefused()
    {
        using var folder = new TemporaryFolder();
        byte[] whole = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 4).Select(i => $"/{SmallDataset.Label(i).RawFile} /masks/{i}.png 1 1 0 0\n")));

        AssertReadOrRefused(folder, [whole], 400, path => DatasetCheck.Run(path), [[0], [0xFF, 0xFE], [7], " "u8.ToArray(), "\n"u8.ToArray(), "../"u8.ToArray(), "\\"u8.ToArray()], "seg_label/list/train.txt");
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Webp)]
    [InlineData(SKEncodedImageFormat.Gif)]
    [InlineData(SKEncodedImageFormat.Bmp)]
    public void Images_Mutants_AreReadOrRefused(SKEncodedImageFormat format)
    {
        using var folder = new TemporaryFolder();
        using var reader = new ImageReader(new ImageSize(40, 36)) { Upright = true };
        using var masks = new MaskReader();
        byte[] pixels = new byte[40 * 36 * 4];

        AssertReadOrRefused(folder, [Picture(format)], 250, path => reader.Read(path, pixels), [[0xFF, 0xFF], [0xFF, 0xDA], [0x7F, 0xFF, 0xFF, 0xFF]]);
        AssertReadOrRefused(folder, [Picture(format)], 150, path => masks.Read(path, new ImageSize(40, 36), pixels), [[0, 0], [0xFF, 0xFF]]);
        AssertReadOrRefused(folder, [Picture(format)], 50, path => OverlayPainter.Paint(path, [], [], null, folder.File("overlay.png"), new OverlayOptions { Upright = true }), [[0, 0], [0xFF, 0xFF]]);
    }

    private static byte[] Picture(SKEncodedImageFormat format)
    {
        switch (format)
        {
            case SKEncodedImageFormat.Gif:
                return [.. "GIF89a"u8, 4, 0, 4, 0, 0x80, 0, 0, 0, 0, 0, 255, 255, 255, 0x21, 0xF9, 4, 1, 0, 0, 0, 0, 0x2C, 0, 0, 0, 0, 4, 0, 4, 0, 0, 2, 5, 0x84, 0x8F, 0xA9, 0xCB, 0x05, 0, 0x3B];
            case SKEncodedImageFormat.Bmp:
                return [.. "BM"u8, 70, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 24, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 0, 0, 255, 9, 9, 9, 0, 0];
            default:
                using (SKBitmap bitmap = TestPicture.Of(new ImageSize(64, 48), (x, y) => ((byte)(4 * x), (byte)(5 * y), (byte)(x * y))))
                using (SKData data = bitmap.Encode(format, 80))
                {
                    return format == SKEncodedImageFormat.Jpeg ? TestJpeg.WithOrientation(data.ToArray(), 6) : data.ToArray();
                }
        }
    }

    private static void AssertReadOrRefused(TemporaryFolder folder, byte[][] wholes, int count, Action<string> read, byte[][] words, string name = "mutant.json")
    {
        string path = folder.Write(name, "");
        int seed = 1;
        foreach (byte[] whole in wholes)
        {
            File.WriteAllBytes(path, whole);
            read(path);
            foreach (byte[] mutant in Mutants.Of(whole, count, seed++, words))
            {
                File.WriteAllBytes(path, mutant);
                Exception? error = Record.Exception(() => read(path));
                Assert.True(error is null or BadInputException, $"{error}{Environment.NewLine}{Convert.ToBase64String(mutant)}");
                Assert.DoesNotContain('\n', error?.Message ?? "");
            }
        }
    }
}
