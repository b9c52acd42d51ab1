using Convoy.Lanes.Data;
using SkiaSharp;

namespace Convoy.Lanes.Tests.Data;

/// <summary>Writes a small data set in TuSimple's layout: noisy grey frames with lanes painted exactly on their labels.</summary>
internal static class SmallDataset
{
    public static ImageSize Size => new(320, 180);

    public static LaneDataset Write(TemporaryFolder folder, int frames)
    {
        TuSimpleLabelFile.Write(folder.File("label_data_test.json"), [.. Enumerable.Range(0, frames).Select(i => WriteFrame(folder, i))]);
        return LaneDataset.Open(folder.Root);
    }

    public static TuSimpleLabel Label(int index)
    {
        double[] rows = [.. Enumerable.Range(0, 12).Select(i => 60.0 + (10 * i))];
        double[] left = [.. rows.Select(y => Math.Round(150 - ((y - 60) * (0.8 + (0.02 * index)))))];
        double[] right = [.. rows.Select(y => Math.Round(180 + ((y - 60) * 0.9)))];
        right[0] = TuSimpleLabel.NoPoint;
        return new TuSimpleLabel($"clips/a/{index * 10}/20.jpg", [left, right], rows);
    }

    public static TuSimpleLabel WriteFrame(TemporaryFolder folder, int index)
    {
        TuSimpleLabel label = Label(index);
        string path = folder.File(label.RawFile);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var random = new Random(index);
        using SKBitmap bitmap = TestPicture.Of(Size, (_, _) =>
        {
            byte grey = (byte)random.Next(60, 80);
            return (grey, grey, grey);
        });
        using (var canvas = new SKCanvas(bitmap))
        using (var paint = new SKPaint { Color = SKColors.White, StrokeWidth = 3, IsAntialias = true, Style = SKPaintStyle.Stroke })
        {
            foreach (double[] lane in label.Lanes)
            {
                SKPoint[] points = [.. lane.Zip(label.HSamples).Where(p => p.First >= 0).Select(p => new SKPoint((float)p.First + 0.5f, (float)p.Second + 0.5f))];
                canvas.DrawPoints(SKPointMode.Polygon, points, paint);
            }
        }

        TestPicture.Save(bitmap, path, SKEncodedImageFormat.Jpeg, 95);
        return label;
    }
}
