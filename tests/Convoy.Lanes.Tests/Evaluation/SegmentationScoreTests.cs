using Convoy.Lanes.Evaluation;
using TorchSharp;

namespace Convoy.Lanes.Tests.Evaluation;

public sealed class SegmentationScoreTests
{
    private static readonly byte[] Predicted = [1, 1, 1, 0, 0, 0, 0, 0];
    private static readonly byte[] Truth = [1, 1, 0, 1, 1, 0, 0, 0];

    [Fact]
    public void Count_Masks_GivesTheRatios()
    {
        var score = SegmentationScore.Count(Predicted, Truth);
        Assert.Equal(new SegmentationScore(2, 1, 2, 3), score);
        Assert.Equal(8, score.Pixels);
        Assert.Equal(2.0 / 5, score.LaneIoU, 1e-15);
        Assert.Equal(2.0 / 3, score.Precision, 1e-15);
        Assert.Equal(2.0 / 4, score.Recall, 1e-15);
        Assert.Equal(4.0 / 7, score.F1, 1e-15);
    }

    [Fact]
    public void Count_Tensors_EqualsCountingBytes()
    {
        torch.set_num_threads(1);
        using torch.Tensor predicted = torch.tensor(Predicted.Select(p => p != 0).ToArray()).view(1, 2, 4);
        using torch.Tensor truth = torch.tensor(Truth.Select(t => (long)t).ToArray()).view(1, 2, 4);
        Assert.Equal(SegmentationScore.Count(Predicted, Truth), SegmentationScore.Count(predicted, truth));
        using torch.Tensor other = truth.view(8);
        Assert.Throws<ArgumentException>(() => SegmentationScore.Count(predicted, other));
    }

    [Fact]
    public void Add_Frames_SumsPixelsNotRatios()
    {
        SegmentationScore sum = SegmentationScore.Count(Predicted, Truth) + SegmentationScore.Count([1, 1], [1, 1]);
        Assert.Equal(new SegmentationScore(4, 1, 2, 3), sum);
        Assert.Equal(4.0 / 7, sum.LaneIoU, 1e-15);
    }

    [Fact]
    public void Ratios_NothingToNothing_AreZero()
    {
        SegmentationScore empty = SegmentationScore.Count([0, 0], [0, 0]);
        Assert.Equal((0, 0, 0, 0), (empty.LaneIoU, empty.Precision, empty.Recall, empty.F1));
        Assert.Throws<ArgumentException>(() => SegmentationScore.Count([0], [0, 0]));
    }
}
