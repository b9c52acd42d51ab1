using Convoy.Lanes.Data;
using SkiaSharp;

namespace Convoy.Lanes.Tests.Data;

/// <summary>Pictures other than opaque ones of three colours: what the network gets to see of them.</summary>
public class ImageKindTests
{
    private static readonly ImageSize Wide = new(64, 48);

    public static TheoryData<string, byte[], int[]> Kinds => new()
    {
        // Colours stay as they are stored, however transparent.
        { "colour and alpha", TestPng.Plain(Wide, 8, 6, [200, 100, 50, 128]), [200, 100, 50] },
        { "colour and alpha of 0", TestPng.Plain(Wide, 8, 6, [200, 100, 50, 0]), [200, 100, 50] },
        { "grey and alpha", TestPng.Plain(Wide, 8, 4, [77, 3]), [77, 77, 77] },
        { "grey", TestPng.Plain(Wide, 8, 0, [77]), [77, 77, 77] },
        { "palette", TestPng.Plain(Wide, 8, 3, [1], [1, 2, 3, 9, 99, 199]), [9, 99, 199] },
        { "palette with alpha", TestPng.Plain(Wide, 8, 3, [1], [1, 2, 3, 9, 99, 199], [255, 100]), [9, 99, 199] },
        { "16 bits", TestPng.Plain(Wide, 16, 2, [200, 0, 100, 0, 50, 0]), [200, 100, 50] },
        { "16 bits and alpha", TestPng.Plain(Wide, 16, 6, [200, 0, 100, 0, 50, 0, 40, 0]), [200, 100, 50] },
        { "16 bits of grey", TestPng.Plain(Wide, 16, 0, [90, 0]), [90, 90, 90] },
        { "four inks", TestJpeg.FourInks(200, 100, 50, 255), [200, 100, 50] },
        { "WebP with alpha", WebP(200, 100, 50, 128), [200, 100, 50] },
    };

    [Theory]
    [MemberData(nameof(Kinds), DisableDiscoveryEnumeration = true)]
    public void Read_AnyKind_HasTheColoursThatAreStored(string kind, byte[] file, int[] colour)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.File("picture"), file);
        foreach (ImageSize size in new[] { Wide, new ImageSize(32, 32), new ImageSize(100, 40) })
        {
            using var reader = new ImageReader(size);
            byte[] pixels = new byte[size.Width * size.Height * 4];

            reader.Read(folder.File("picture"), pixels);

            for (int i = 0; i < pixels.Length; i++)
            {
                int expected = i % 4 == 3 ? 255 : colour[i % 4];
                Assert.True(Math.Abs(expected - pixels[i]) <= 1, $"{kind} at {size}: {pixels[i]} in place of {expected}");
            }
        }
    }

    [Theory]
    [InlineData(1, "12/34")]
    [InlineData(2, "21/43")]
    [InlineData(3, "43/21")]
    [InlineData(4, "34/12")]
    [InlineData(5, "13/24")]
    [InlineData(6, "31/42")]
    [InlineData(7, "42/31")]
    [InlineData(8, "24/13")]
    public void Read_ExifOrientation_TurnsOnlyWhereAskedTo(int orientation, string quarters)
    {
        // Four quarters of one grey each: 1 2 above 3 4 as they are stored.
        using var folder = new TemporaryFolder();
        using SKBitmap bitmap = TestPicture.Of(Wide, (x, y) =>
        {
            byte grey = (byte)(50 * (1 + (x / 32) + (2 * (y / 24))));
            return (grey, grey, grey);
        });
        TestPicture.Save(bitmap, folder.File("stored"), SKEncodedImageFormat.Jpeg, 95);
        File.WriteAllBytes(folder.File("picture"), TestJpeg.WithOrientation(File.ReadAllBytes(folder.File("stored")), orientation));

        Assert.Equal(orientation != 1, ImageHeader.IsTurned(folder.File("picture")));
        Assert.Equal(Wide, ImageHeader.Read(folder.File("picture")));
        Assert.Equal("12/34", Quarters(upright: false, out ImageSize stored));
        Assert.Equal(Wide, stored);
        Assert.Equal(quarters, Quarters(upright: true, out ImageSize turned));
        Assert.Equal(orientation < 5 ? Wide : new ImageSize(48, 64), turned);

        string Quarters(bool upright, out ImageSize size)
        {
            using var reader = new ImageReader(new ImageSize(40, 40)) { Upright = upright };
            byte[] pixels = new byte[40 * 40 * 4];
            size = reader.Read(folder.File("picture"), pixels);
            int[] at = [.. new[] { (10, 10), (30, 10), (10, 30), (30, 30) }.Select(place => (pixels[4 * ((place.Item2 * 40) + place.Item1)] + 25) / 50)];
            return $"{at[0]}{at[1]}/{at[2]}{at[3]}";
        }
    }

    private static byte[] WebP(byte red, byte green, byte blue, byte alpha)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(Wide.Width, Wide.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.Erase(new SKColor(red, green, blue, alpha));
        using SKPixmap pixels = bitmap.PeekPixels()!;
        using SKData data = pixels.Encode(new SKWebpEncoderOptions(SKWebpEncoderCompression.Lossless, 100))!;
        return data.ToArray();
    }
}
