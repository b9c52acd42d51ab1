using System.Text.Json;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;

namespace Convoy.Cli.Tests;

/// <summary><c>convoy data check</c> on drawn frames whose labels were changed.</summary>
public sealed class DataCheckCommandTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("convoy-check-").FullName;

    public DataCheckCommandTests() => SyntheticDataset.Write(_root, new SyntheticOptions { Frames = 3, Size = new ImageSize(192, 108) });

    private string LabelFile => Path.Combine(_root, SyntheticDataset.LabelFileName);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Check_DrawnFrames_IsSoundWithoutRemarks()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync("data", "check", _root, "--json");

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument document = JsonDocument.Parse(run.Output);
        Assert.True(document.RootElement.GetProperty("sound").GetBoolean());
        Assert.Equal(0, document.RootElement.GetProperty("remarks").GetArrayLength());
        Assert.Equal(0, document.RootElement.GetProperty("points_outside").GetInt32());
    }

    [Fact]
    public async Task Check_LabelsOfLargerImages_AreAProblem()
    {
        TuSimpleLabel[] labels = [.. TuSimpleLabelFile.Read(LabelFile)];
        double right = labels[0].Lanes.SelectMany(lane => lane).Max() * 4;
        double bottom = labels[0].HSamples.Where((_, row) => labels[0].Lanes.Any(lane => lane[row] >= 0)).Max() * 4;
        TuSimpleLabelFile.Write(LabelFile, labels.Select(Larger));

        ProgramRun run = await ProgramRun.ConvoyAsync("data", "check", _root);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal(
            FormattableString.Invariant($"convoy: error: 3 labels cannot be used; the first problem: the labels do not fit their image ({Image(labels[0])}: labels reach to {right + 1}x{bottom + 1}, the image is 192x108). Scale the labels to the images, or use the images that were labelled.\n"),
            run.Error);
        Assert.Contains(" of them outside their image", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_FrameLabelledTwiceInTheSameWay_IsNamedAndCountsOnce()
    {
        TuSimpleLabel[] labels = [.. TuSimpleLabelFile.Read(LabelFile)];
        TuSimpleLabelFile.Write(LabelFile, [.. labels, labels[1]]);

        ProgramRun run = await ProgramRun.ConvoyAsync("data", "check", _root);

        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains($"a frame is labelled twice in the same way and counts once ({Image(labels[1])}: {LabelFile}, line 2 and {LabelFile}, line 4)\n", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_FrameWithTwoLabelsThatDiffer_IsAProblem()
    {
        TuSimpleLabel[] labels = [.. TuSimpleLabelFile.Read(LabelFile)];
        TuSimpleLabelFile.Write(LabelFile, [.. labels, labels[1] with { Lanes = [] }]);

        ProgramRun run = await ProgramRun.ConvoyAsync("data", "check", _root);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal($"convoy: error: a frame has two labels that differ ({Image(labels[1])}: {LabelFile}, line 2 and {LabelFile}, line 4). Remove the wrong one.\n", run.Error);
    }

    [Fact]
    public async Task Check_Backslashes_AreNamed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Backslashes separate folders there.");
        TuSimpleLabelFile.Write(LabelFile, TuSimpleLabelFile.Read(LabelFile).Select(label => label with { RawFile = label.RawFile.Replace('/', '\\') }));

        ProgramRun run = await ProgramRun.ConvoyAsync("data", "check", _root);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal(
            $"convoy: error: the data set has 3 missing and 0 broken files, the first one being ({_root}/clips\\synth\\000000\\20.jpg). The path has backslashes, as on Windows: use forward slashes in the labels, such as clips/a/20.jpg.\n",
            run.Error);
    }

    [Fact]
    public async Task Check_TextThatIsNoCharacter_NamesTheLine()
    {
        File.WriteAllText(LabelFile, """{"raw_file":"\ud800","lanes":[],"h_samples":[]}""");

        ProgramRun run = await ProgramRun.ConvoyAsync("data", "check", _root);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal($"convoy: error: a string contains half of a character, an escape \\uD800 to \\uDFFF by itself ({LabelFile}, line 1). Write the whole character.\n", run.Error);
    }

    private static TuSimpleLabel Larger(TuSimpleLabel label) =>
        label with { Lanes = [.. label.Lanes.Select(lane => lane.Select(x => x < 0 ? x : 4 * x).ToArray())], HSamples = [.. label.HSamples.Select(y => 4 * y)] };

    private string Image(TuSimpleLabel label) => Path.Combine(_root, label.RawFile);
}
