using Convoy.Lanes.Data;
using SkiaSharp;

namespace Convoy.Lanes.Tests.Data;

public class LaneDatasetTests
{
    [Fact]
    public void Open_SeveralLabelFiles_OrdersByFileThenLine()
    {
        using var folder = new TemporaryFolder();
        TuSimpleLabel[] labels = [.. Enumerable.Range(0, 4).Select(i => SmallDataset.WriteFrame(folder, i))];
        TuSimpleLabelFile.Write(folder.File("label_data_b.json"), [labels[0]]);
        TuSimpleLabelFile.Write(folder.File("label_data_a.json"), [labels[3], labels[1]]);
        TuSimpleLabelFile.Write(folder.File("test_label.json"), [labels[2]]);

        LaneDataset dataset = LaneDataset.Open(folder.Root);

        Assert.Equal(["clips/a/30/20.jpg", "clips/a/10/20.jpg", "clips/a/0/20.jpg"], dataset.Frames.Select(frame => frame.Label.RawFile));
        Assert.Equal([0, 1, 2], dataset.Frames.Select(frame => frame.Index));
        Assert.True(dataset.HasPoints);
        Assert.Equal(labels[2].RawFile, Assert.Single(LaneDataset.Open(folder.File("test_label.json")).Frames).Label.RawFile);
    }

    [Theory]
    [InlineData("train_set", "label_data_x.json")]
    [InlineData("test_set", "test_label.json")]
    public void Open_ParentOfASet_FindsLabelsAndImagesInIt(string part, string file)
    {
        using var folder = new TemporaryFolder();
        TuSimpleLabel label = SmallDataset.WriteFrame(folder, 1);
        Directory.CreateDirectory(folder.File(part));
        Directory.Move(folder.File("clips"), folder.File(part, "clips"));
        TuSimpleLabelFile.Write(folder.File(part, file), [label]);

        Assert.Equal(folder.File(part, label.RawFile), Assert.Single(LaneDataset.Open(folder.Root).Frames).ImagePath);
    }

    [Fact]
    public void Open_LabelsBesideTheSet_FindsImagesInTrainSet()
    {
        using var folder = new TemporaryFolder();
        TuSimpleLabel label = SmallDataset.WriteFrame(folder, 1);
        Directory.CreateDirectory(folder.File("train_set"));
        Directory.Move(folder.File("clips"), folder.File("train_set", "clips"));
        TuSimpleLabelFile.Write(folder.File("label_data_x.json"), [label]);

        Assert.Equal(folder.File("train_set", label.RawFile), Assert.Single(LaneDataset.Open(folder.Root).Frames).ImagePath);
    }

    [Fact]
    public void Open_SegmentationLists_GivesEachImageOnceWithItsMask()
    {
        using var folder = new TemporaryFolder();
        WriteLists(folder);

        LaneDataset dataset = LaneDataset.Open(folder.Root);

        Assert.Equal(2, dataset.Count);
        Assert.Equal(folder.File("clips", "a", "0", "20.jpg"), dataset.Frames[0].ImagePath);
        Assert.Equal(folder.File("seg_label", "0.png"), dataset.Frames[0].MaskPath);
        Assert.False(dataset.HasPoints);
        dataset.Verify();
    }

    [Fact]
    public void Open_MaskListPointingNowhere_NamesTheFirstMask()
    {
        using var folder = new TemporaryFolder();
        WriteLists(folder);
        File.Delete(folder.File("seg_label", "1.png"));

        string message = Assert.Throws<BadInputException>(() => LaneDataset.Open(folder.Root)).Message;

        Assert.StartsWith("1 of 2 masks named by the list is missing", message, StringComparison.Ordinal);
        Assert.Contains(folder.File("seg_label", "1.png"), message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_ListLineWithoutMask_NamesTheLine()
    {
        using var folder = new TemporaryFolder();
        folder.Write("seg_label/list/train.txt", "/clips/a/0/20.jpg\n");

        Assert.Contains("train.txt, line 1)", Assert.Throws<BadInputException>(() => LaneDataset.Open(folder.Root)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_MissingImages_NamesTheFirstAndCountsAll()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 4);
        File.Delete(dataset.Frames[1].ImagePath);
        File.Delete(dataset.Frames[3].ImagePath);

        string message = Assert.Throws<BadInputException>(() => LaneDataset.Open(folder.Root)).Message;

        Assert.StartsWith("2 of 4 images named by the labels are missing", message, StringComparison.Ordinal);
        Assert.Contains(dataset.Frames[1].ImagePath, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Open_NoFolderOrNoLabels_SaysWhich()
    {
        using var folder = new TemporaryFolder();

        Assert.Contains("holds no labels", Assert.Throws<BadInputException>(() => LaneDataset.Open(folder.Root)).Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", Assert.Throws<BadInputException>(() => LaneDataset.Open(folder.File("no"))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "has 0 bytes")]
    [InlineData("this is not a picture", "not an image")]
    public void Verify_BadImage_NamesIt(string content, string expected)
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 3);
        dataset.Verify();
        File.WriteAllText(dataset.Frames[2].ImagePath, content);

        string message = Assert.Throws<BadInputException>(dataset.Verify).Message;

        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains(dataset.Frames[2].ImagePath, message, StringComparison.Ordinal);
    }

    [Fact]
    public void SplitContiguous_UnorderedClips_HoldsOutTheHighestNumbers()
    {
        using var folder = new TemporaryFolder();
        int[] order = [12, 3, 0, 7, 10, 5, 1, 100, 9, 2];
        TuSimpleLabelFile.Write(folder.File("label_data_x.json"), order.Select(i => SmallDataset.WriteFrame(folder, i)));

        (LaneDataset training, LaneDataset validation) = LaneDataset.Open(folder.Root).SplitContiguous(0.3);

        Assert.Equal(["clips/a/100/20.jpg", "clips/a/120/20.jpg", "clips/a/1000/20.jpg"], validation.Frames.Select(frame => frame.Label.RawFile));
        Assert.Equal(7, training.Count);
        Assert.Equal([0, 1, 2], validation.Frames.Select(frame => frame.Index));
        Assert.Throws<BadInputException>(() => training.SplitContiguous(1));
    }

    [Fact]
    public void Check_MissingBrokenAndCutOffFiles_CountsAll()
    {
        using var folder = new TemporaryFolder();
        LaneDataset dataset = SmallDataset.Write(folder, 5);
        File.Delete(dataset.Frames[0].ImagePath);
        File.WriteAllText(dataset.Frames[1].ImagePath, "");
        byte[] whole = File.ReadAllBytes(dataset.Frames[2].ImagePath);
        File.WriteAllBytes(dataset.Frames[2].ImagePath, whole[..(whole.Length / 2)]);

        DatasetCheck check = DatasetCheck.Run(folder.Root, TestContext.Current.CancellationToken);

        Assert.Equal((5, 1, 2, 10), (check.Frames, check.Missing, check.Broken, check.Lanes));
        Assert.Equal([KeyValuePair.Create(2, 5)], check.LanesPerFrame);
        Assert.Equal([KeyValuePair.Create(SmallDataset.Size, 2)], check.ImageSizes);
        Assert.Contains("cut off", check.Problems[2].Reason, StringComparison.Ordinal);
        Assert.False(check.IsSound);
    }

    [Fact]
    public void Check_RealFrames_FindsAllSound()
    {
        DatasetCheck check = DatasetCheck.Run(RealData.Require("tusimple"), TestContext.Current.CancellationToken);

        Assert.Equal((143, 0, 21), (check.Frames, check.Problems.Count, check.EmptyLanes));
        Assert.Equal([KeyValuePair.Create(ImageSize.TuSimple, 143)], check.ImageSizes);
    }

    private static void WriteLists(TemporaryFolder folder)
    {
        for (int i = 0; i < 2; i++)
        {
            SmallDataset.WriteFrame(folder, i);
            Directory.CreateDirectory(folder.File("seg_label"));
            using SKBitmap mask = TestPicture.Of(SmallDataset.Size, (_, _) => default);
            TestPicture.Save(mask, folder.File("seg_label", $"{i}.png"), SKEncodedImageFormat.Png, 100);
        }

        string lines = "/clips/a/0/20.jpg /seg_label/0.png 1 1 0 0\n/clips/a/10/20.jpg /seg_label/1.png 1 1 0 0\n";
        folder.Write("seg_label/list/train.txt", lines);
        folder.Write("seg_label/list/train_val.txt", lines);
        folder.Write("seg_label/list/test.txt", "/clips/none.jpg /seg_label/none.png 1\n");
    }
}
