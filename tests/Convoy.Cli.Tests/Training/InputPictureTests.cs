using System.Text.Json;
using Convoy.Lanes.Data;
using SkiaSharp;

namespace Convoy.Cli.Tests.Training;

/// <summary>What <c>predict</c>, <c>eval</c> and <c>train</c> make of pictures and labels that are not as they should be.</summary>
public sealed class InputPictureTests(TrainingFixture fixture) : IClassFixture<TrainingFixture>
{
    private string Frame(int index) => Path.Combine(fixture.Data, $"clips/synth/{index:D6}/20.jpg");

    [Fact]
    public async Task Predict_UnreadablePictures_GoesOnAndListsThem()
    {
        string pictures = Folder("some-unreadable");
        string output = fixture.At("some-unreadable-out");
        File.Copy(Frame(0), Path.Combine(pictures, "1.jpg"));
        File.WriteAllBytes(Path.Combine(pictures, "2.jpg"), File.ReadAllBytes(Frame(1))[..2000]);
        File.WriteAllText(Path.Combine(pictures, "3.png"), "");
        File.Copy(Frame(2), Path.Combine(pictures, "4.jpg"));

        ProgramRun run = await PredictAsync(output, pictures);

        Assert.Equal(3, run.ExitCode);
        Assert.Equal(
            $"convoy: error: 2 of 4 pictures could not be read, the first one being ({pictures}/2.jpg). Restore them or leave them out; the others are done.\n"
            + $"the image is cut off ({pictures}/2.jpg). Restore the file or remove its label.\nthe image has 0 bytes ({pictures}/3.png). Restore the file or remove its label.\n",
            run.Error);
        Assert.Equal(["1.jpg", "4.jpg", "predictions.json"], Directory.GetFiles(output).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        Assert.Equal(["1.jpg", "4.jpg"], RawFiles(output));
    }

    [Fact]
    public async Task Predict_NothingReadable_LeavesNoFolderBehind()
    {
        string pictures = Folder("none-readable");
        string output = fixture.At("none-readable-out");
        File.WriteAllText(Path.Combine(pictures, "1.jpg"), "no picture");

        ProgramRun run = await PredictAsync(output, pictures);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"convoy: error: 1 of 1 picture could not be read ({pictures}/1.jpg). Restore them or leave them out; nothing was written.\n", run.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(output));
    }

    [Fact]
    public async Task Predict_TwoFoldersWithPicturesOfOneName_NamesEachPictureAndItsRows()
    {
        string one = Folder("two/a"), other = Folder("two/b"), output = fixture.At("two-out");
        File.Copy(Frame(0), Path.Combine(one, "20.jpg"));
        File.Copy(Frame(1), Path.Combine(other, "20.jpg"));

        ProgramRun run = await PredictAsync(output, one, other, Path.Combine(one, "20.jpg"));

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal([$"{one}/20.jpg", $"{other}/20.jpg"], RawFiles(output));
        Assert.Equal(["20-2.jpg", "20.jpg", "predictions.json"], Directory.GetFiles(output).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        foreach (JsonElement prediction in Lines(output))
        {
            // TuSimple's 160, 170, ... 710 of 720 on a picture of 108.
            double[] rows = [.. prediction.GetProperty("h_samples").EnumerateArray().Select(row => row.GetDouble())];
            Assert.Equal(Enumerable.Range(16, 56).Select(row => Math.Round(row * 1.5)), rows);
            Assert.All(prediction.GetProperty("lanes").EnumerateArray(), lane => Assert.Equal(rows.Length, lane.GetArrayLength()));
        }
    }

    [Fact]
    public async Task Predict_PictureWithAlphaOrOfFewRows_HasAscendingRowsInsideIt()
    {
        string pictures = Folder("odd");
        string output = fixture.At("odd-out");
        Draw(Path.Combine(pictures, "alpha.png"), 192, 108, SKEncodedImageFormat.Png);
        Draw(Path.Combine(pictures, "flat.webp"), 90, 5, SKEncodedImageFormat.Webp);

        ProgramRun run = await PredictAsync(output, pictures);

        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement[] lines = Lines(output);
        Assert.Equal([1, 2, 3, 4], lines[1].GetProperty("h_samples").EnumerateArray().Select(row => row.GetInt32()));
        Assert.Equal(56, lines[0].GetProperty("h_samples").GetArrayLength());
    }

    [Fact]
    public async Task Predict_ExifOrientation_TurnsPictureAndLanes()
    {
        // The same pixels once upright and once lying on their side with EXIF's word for it: the lanes are the same.
        string pictures = Folder("turned");
        string output = fixture.At("turned-out");
        using (SKBitmap upright = SKBitmap.Decode(Frame(3)))
        using (var lying = new SKBitmap(new SKImageInfo(upright.Height, upright.Width, upright.ColorType, upright.AlphaType)))
        {
            for (int y = 0; y < upright.Height; y++)
            {
                for (int x = 0; x < upright.Width; x++)
                {
                    // EXIF 6, RightTop: the first stored row is the picture's right side.
                    lying.SetPixel(y, upright.Width - 1 - x, upright.GetPixel(x, y));
                }
            }

            Save(upright, Path.Combine(pictures, "1.jpg"), null);
            Save(lying, Path.Combine(pictures, "2.jpg"), 6);
        }

        ProgramRun run = await PredictAsync(output, pictures);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.EndsWith("\n1 picture was turned as the EXIF orientation says: lanes are in pixels of the turned picture.\n", run.Output, StringComparison.Ordinal);
        JsonElement[] lines = Lines(output);
        Assert.Equal(lines[0].GetProperty("h_samples").GetRawText(), lines[1].GetProperty("h_samples").GetRawText());
        Assert.Equal(lines[0].GetProperty("lanes").GetArrayLength(), lines[1].GetProperty("lanes").GetArrayLength());
        using SKBitmap overlay = SKBitmap.Decode(Path.Combine(output, "2.jpg"));
        Assert.Equal((192, 108), (overlay.Width, overlay.Height));
    }

    [Fact]
    public async Task Eval_FrameLabelledTwice_CountsOnceOrIsRefused()
    {
        string data = Copied("twice");
        string file = Path.Combine(data, "label_data_synth.json");
        string[] labels = File.ReadAllLines(file);
        File.WriteAllLines(file, [labels[0], labels[1], labels[0]]);

        ProgramRun merged = await ProgramRun.ConvoyAsync("eval", "--data", data, "--checkpoint", fixture.OneProcess, "--threads", "1", "--json");

        Assert.True(merged.ExitCode == 0, merged.Error);
        using JsonDocument document = JsonDocument.Parse(merged.Output);
        Assert.Equal(2, document.RootElement.GetProperty("frames").GetInt32());
        Assert.InRange(document.RootElement.GetProperty("fp").GetDouble(), 0, 1);

        TuSimpleLabel first = TuSimpleLabelFile.Read(file)[0];
        TuSimpleLabelFile.Write(file, [first, first with { Lanes = [] }]);
        foreach (string[] verb in new string[][] { ["eval", "--checkpoint", fixture.OneProcess], ["train", "--out", fixture.At("twice-out"), "--nproc", "1"] })
        {
            ProgramRun refused = await ProgramRun.ConvoyAsync([.. verb, "--data", data]);

            Assert.Equal(2, refused.ExitCode);
            Assert.Equal(
                $"convoy: error: a frame has two labels that differ ({Path.Combine(data, first.RawFile)}: {file}, line 1 and {file}, line 2). Remove the wrong one, or run `convoy data check` to list everything that is wrong with the data.\n",
                refused.Error);
        }

        Assert.False(Path.Exists(fixture.At("twice-out")));
    }

    [Fact]
    public async Task Train_LabelsOfLargerImages_WarnsInOneLine()
    {
        string data = Copied("larger");
        string file = Path.Combine(data, "label_data_synth.json");
        TuSimpleLabel[] labels = [.. TuSimpleLabelFile.Read(file).Select(label => label with { HSamples = [.. label.HSamples.Select(y => 4 * y)] })];
        TuSimpleLabelFile.Write(file, labels);

        ProgramRun run = await ProgramRun.ConvoyAsync(
            "train", "--data", data, "--out", fixture.At("larger-out"), "--nproc", "1", "--threads", "1", "--image-size", "96x64", "--batch-size", "2", "--accumulate", "1", "--val-split", "0", "--steps", "1");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Matches(
            $@"^convoy: warning: the labels of 24 of 24 frames do not fit their images, the first one being \({data}/clips/synth/000000/20.jpg: labels reach to \d+x\d+, the image is 192x108\)\. Scale the labels to the images, or use the images that were labelled\.\n$",
            run.Error);
    }

    private Task<ProgramRun> PredictAsync(string output, params string[] inputs) =>
        ProgramRun.ConvoyAsync(["predict", "--checkpoint", fixture.OneProcess, "--out", output, "--threads", "1", .. inputs]);

    private string Folder(string name) => Directory.CreateDirectory(fixture.At(name)).FullName;

    private string Copied(string name)
    {
        string copy = fixture.At(name);
        foreach (string file in Directory.EnumerateFiles(fixture.Data, "*", SearchOption.AllDirectories))
        {
            string to = Path.Combine(copy, Path.GetRelativePath(fixture.Data, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        return copy;
    }

    private static JsonElement[] Lines(string output) => [.. File.ReadLines(Path.Combine(output, "predictions.json")).Select(line => JsonSerializer.Deserialize<JsonElement>(line))];

    private static IEnumerable<string> RawFiles(string output) => Lines(output).Select(line => line.GetProperty("raw_file").GetString()!);

    private static void Draw(string path, int width, int height, SKEncodedImageFormat format)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.Erase(new SKColor(90, 90, 90, 100));
        using SKData data = bitmap.Encode(format, 90)!;
        File.WriteAllBytes(path, data.ToArray());
    }

    private static void Save(SKBitmap bitmap, string path, byte? orientation)
    {
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Jpeg, 100)!;
        byte[] jpeg = data.ToArray();
        byte[] exif = orientation is { } value ? [0xFF, 0xE1, 0, 34, .. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, value, 0, 0, 0, 0, 0, 0, 0] : [];
        File.WriteAllBytes(path, [.. jpeg[..2], .. exif, .. jpeg[2..]]);
    }
}
