using Convoy.Lanes.Data;

namespace Convoy.Lanes.Tests.Data;

/// <summary>Labels that are sound one by one but don't go with each other, their images or this machine's paths.</summary>
public class DatasetOddityTests
{
    [Fact]
    public void Open_AbsolutePathThatExists_IsTaken()
    {
        using var images = new TemporaryFolder();
        using var labels = new TemporaryFolder();
        TuSimpleLabel label = SmallDataset.WriteFrame(images, 0);
        string path = images.File(label.RawFile);
        TuSimpleLabelFile.Write(labels.File("label_data_x.json"), [label with { RawFile = path }]);

        Assert.Equal(path, Assert.Single(LaneDataset.Open(labels.Root).Frames).ImagePath);

        File.Delete(path);
        Assert.StartsWith($"1 of 1 images named by the labels is missing ({path}). ", Assert.Throws<BadInputException>(() => LaneDataset.Open(labels.Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ListWithAbsolutePaths_IsTaken()
    {
        using var images = new TemporaryFolder();
        using var lists = new TemporaryFolder();
        string image = images.File(SmallDataset.WriteFrame(images, 0).RawFile);
        File.WriteAllBytes(images.File("mask.png"), TestPng.Plain(SmallDataset.Size, 8, 0, [1]));
        lists.Write("seg_label/list/train.txt", $"{image} {images.File("mask.png")} 1 1\n");

        LaneFrame frame = Assert.Single(LaneDataset.Open(lists.Root).Frames);

        Assert.Equal((image, images.File("mask.png")), (frame.ImagePath, frame.MaskPath));
    }

    [Fact]
    public void Open_Backslashes_AreNamed()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Backslashes separate folders there.");
        using var folder = new TemporaryFolder();
        TuSimpleLabel label = SmallDataset.WriteFrame(folder, 0);
        TuSimpleLabelFile.Write(folder.File("label_data_x.json"), [label with { RawFile = label.RawFile.Replace('/', '\\') }]);
        const string Expected = "The path has backslashes, as on Windows: use forward slashes in the labels, such as clips/a/20.jpg.";

        Assert.EndsWith(Expected, Assert.Throws<BadInputException>(() => LaneDataset.Open(folder.Root)).Message, StringComparison.Ordinal);
        Assert.EndsWith(Expected, Assert.Single(DatasetCheck.Run(folder.Root, TestContext.Current.CancellationToken).Problems).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("clips/a/0/20.jpg")]
    [InlineData("/clips/a/0/20.jpg")]
    [InlineData("clips//a/../a/0/20.jpg")]
    public void Open_FrameLabelledTwiceInTheSameWay_CountsOnce(string again)
    {
        using var folder = new TemporaryFolder();
        TuSimpleLabel[] labels = [SmallDataset.WriteFrame(folder, 0), SmallDataset.WriteFrame(folder, 1)];
        TuSimpleLabelFile.Write(folder.File("label_data_x.json"), [.. labels, labels[0] with { RawFile = again }]);

        Assert.Equal(labels.Select(label => label.RawFile), LaneDataset.Open(folder.Root).Frames.Select(frame => frame.Label.RawFile));

        DatasetCheck check = DatasetCheck.Run(folder.Root, TestContext.Current.CancellationToken);
        string file = folder.File("label_data_x.json");
        Assert.Equal(new RepeatedFrame(folder.File(labels[0].RawFile), $"{file}, line 1", $"{file}, line 3", IsSame: true), Assert.Single(check.Repeated));
        Assert.Equal((2, 4, true), (check.Frames, check.Lanes, check.IsSound));
    }

    [Fact]
    public void Open_FrameWithTwoLabelsThatDiffer_IsRefused()
    {
        using var folder = new TemporaryFolder();
        TuSimpleLabel label = SmallDataset.WriteFrame(folder, 0);
        TuSimpleLabelFile.Write(folder.File("label_data_a.json"), [label]);
        TuSimpleLabelFile.Write(folder.File("label_data_b.json"), [label with { Lanes = [label.Lanes[1]] }]);
        string where = $"({folder.File(label.RawFile)}: {folder.File("label_data_a.json")}, line 1 and {folder.File("label_data_b.json")}, line 1)";

        Assert.StartsWith($"a frame has two labels that differ {where}. ", Assert.Throws<BadInputException>(() => LaneDataset.Open(folder.Root)).Message, StringComparison.Ordinal);

        DatasetProblem problem = Assert.Single(DatasetCheck.Run(folder.Root, TestContext.Current.CancellationToken).Problems);
        Assert.Equal((DatasetProblemKind.Repeated, $"a frame has two labels that differ {where}. Remove the wrong one."), (problem.Kind, problem.Reason));
    }

    [Fact]
    public void Check_LabelsOfLargerImages_CountsThePointsOutside()
    {
        // At 4 times the size every row is below the image, which has 180: the rows 60 to 170 become 240 to 680.
        using var folder = new TemporaryFolder();
        TuSimpleLabelFile.Write(folder.File("label_data_x.json"), [Scaled(SmallDataset.WriteFrame(folder, 0), 4), SmallDataset.WriteFrame(folder, 1)]);

        DatasetCheck check = DatasetCheck.Run(folder.Root, TestContext.Current.CancellationToken);
        LaneDataset dataset = LaneDataset.Open(folder.Root);

        Assert.Equal((46, 23, 1), (check.Points, check.PointsOutside, check.Misfits));
        Assert.Equal(DatasetProblemKind.Misfit, Assert.Single(check.Problems).Kind);
        string first = $"({dataset.Frames[0].ImagePath}: labels reach to 1117x681, the image is 320x180). Scale the labels to the images, or use the images that were labelled.";
        Assert.Equal($"the labels do not fit their image {first}", check.Problems[0].Reason);
        Assert.Equal([$"the labels of 1 of 2 frames do not fit their images, the first one being {first}"], dataset.Verify().Lines);
    }

    [Fact]
    public void Check_OnePointOutside_IsCountedButNoProblem()
    {
        using var folder = new TemporaryFolder();
        TuSimpleLabel label = SmallDataset.WriteFrame(folder, 0);
        label.Lanes[1][^1] = 320;
        TuSimpleLabelFile.Write(folder.File("label_data_x.json"), [label]);

        DatasetCheck check = DatasetCheck.Run(folder.Root, TestContext.Current.CancellationToken);

        Assert.Equal((23, 1, 0, true), (check.Points, check.PointsOutside, check.Misfits, check.IsSound));
        Assert.Empty(LaneDataset.Open(folder.Root).Verify().Lines);
    }

    [Fact]
    public void Check_LabelsOfSmallerImages_RemarksThatTheyEndHighUp()
    {
        using var folder = new TemporaryFolder();
        TuSimpleLabelFile.Write(folder.File("label_data_x.json"), [Scaled(SmallDataset.WriteFrame(folder, 0), 0.5)]);
        LaneDataset dataset = LaneDataset.Open(folder.Root);
        string expected = $"no label reaches below 48 % of the height of its image, the lowest one being ({dataset.Frames[0].ImagePath}: labels reach to 141x86, the image is 320x180). Scale the labels to the images, or use the images that were labelled.";

        Assert.Equal([expected], dataset.Verify().Lines);
        Assert.Equal([expected], DatasetCheck.Run(folder.Root, TestContext.Current.CancellationToken).Remarks);
    }

    [Fact]
    public void Check_ExifOrientation_IsRemarked()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 2);
        string path = dataset.Frames[1].ImagePath;
        File.WriteAllBytes(path, TestJpeg.WithOrientation(File.ReadAllBytes(path), 6));

        DatasetCheck check = DatasetCheck.Run(folder.Root, TestContext.Current.CancellationToken);

        Assert.True(check.IsSound);
        Assert.Equal([path], check.Turned);
        Assert.Equal([KeyValuePair.Create(SmallDataset.Size, 2)], check.ImageSizes);
        Assert.Equal(
            [$"1 of 2 images has an EXIF orientation, which labels ignore: pixels are used as they are stored; the first one is ({path}). If the labels refer to the turned picture, save the images turned and without it."],
            dataset.Verify().Lines);
    }

    private static TuSimpleLabel Scaled(TuSimpleLabel label, double by) =>
        label with { Lanes = [.. label.Lanes.Select(lane => lane.Select(x => x < 0 ? x : Math.Round(x * by)).ToArray())], HSamples = [.. label.HSamples.Select(y => Math.Round(y * by))] };
}
