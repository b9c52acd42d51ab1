using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing;
using SkiaSharp;

namespace Convoy.Lanes.Tests.Drawing;

public sealed class OverlayPainterTests : IDisposable
{
    private static readonly double[] Rows = [.. Enumerable.Range(0, 20).Select(i => 20.0 + (10 * i))];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("out.png")]
    [InlineData("out.JPG")]
    public void Paint_LaneAndTruth_ColoursTheirPixelsOnly(string name)
    {
        string output = _folder.File(name);
        OverlayPainter.Paint(GreyImage(), [Upright(100)], Rows, [Upright(300)], output);

        using SKBitmap picture = SKBitmap.Decode(output);
        Assert.Equal((640, 360), (picture.Width, picture.Height));
        SKColor lane = picture.GetPixel(100, 105);
        Assert.True(lane.Red > lane.Blue + 100, $"{lane}");
        Assert.True(Enumerable.Range(100, 20).Max(y => picture.GetPixel(300, y).Red) > 180);
        SKColor untouched = picture.GetPixel(200, 105);
        Assert.InRange(untouched.Red, 94, 106);
        Assert.InRange(picture.GetPixel(100, 350).Red, 94, 106);
    }

    [Fact]
    public void Paint_Mask_ShadesLanePixels()
    {
        byte[] mask = new byte[800 * 360];
        for (int row = 0; row < 360; row++)
        {
            mask.AsSpan(row * 800, 400).Fill(1);
        }

        string output = _folder.File("out.png");
        OverlayPainter.Paint(GreyImage(), [], Rows, null, output, new OverlayOptions { Mask = mask, MaskSize = new ImageSize(800, 360) });
        using SKBitmap picture = SKBitmap.Decode(output);
        Assert.True(picture.GetPixel(100, 100).Green > 130);
        Assert.Equal(100, picture.GetPixel(600, 100).Green);
    }

    [Fact]
    public void Paint_Caption_DarkensTheLowerLeftCorner()
    {
        Assert.SkipWhen(SKTypeface.Default.GlyphCount == 0, "This system has no font.");
        string output = _folder.File("out.png");
        OverlayPainter.Paint(GreyImage(), [], Rows, null, output, new OverlayOptions { Caption = "accuracy 0.93, 41 ms" });
        using SKBitmap picture = SKBitmap.Decode(output);
        Assert.True(picture.GetPixel(8, 345).Red < 60);
        Assert.Equal(100, picture.GetPixel(600, 345).Red);
    }

    [Fact]
    public void Paint_BadInput_IsNamedAndNothingIsWritten()
    {
        string broken = _folder.Write("broken.jpg", "no image");
        string empty = _folder.Write("empty.jpg", "");
        foreach (string path in new[] { broken, empty, _folder.File("absent.jpg") })
        {
            BadInputException error = Assert.Throws<BadInputException>(() => OverlayPainter.Paint(path, [], Rows, null, _folder.File("out.png")));
            Assert.Contains(path, error.Message, StringComparison.Ordinal);
        }

        Assert.Throws<BadInputException>(() => OverlayPainter.Paint(GreyImage(), [], Rows, null, _folder.File("out.gif")));
        Assert.Throws<BadInputException>(() => OverlayPainter.Paint(GreyImage(), [], Rows, null, _folder.File("no/out.png")));
        Assert.Throws<ArgumentException>(() => OverlayPainter.Paint(GreyImage(), [[1, 2]], Rows, null, _folder.File("out.png")));
        Assert.DoesNotContain(Directory.GetFiles(_folder.Root), file => file.Contains("out", StringComparison.Ordinal));
    }

    private static double[] Upright(double x) => [.. Rows.Select(_ => x)];

    private string GreyImage()
    {
        using var bitmap = new SKBitmap(640, 360);
        bitmap.Erase(new SKColor(100, 100, 100));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        string path = _folder.File("grey.png");
        File.WriteAllBytes(path, data.ToArray());
        return path;
    }
}
