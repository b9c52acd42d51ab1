using System.Diagnostics;
using Convoy.Lanes.Data;
using Convoy.Lanes.Evaluation;
using Convoy.Lanes.PostProcessing;

namespace Convoy.Lanes.Tests.PostProcessing;

public sealed class LaneExtractorTests
{
    private static readonly ImageSize Network = ImageSize.Network;
    private static readonly ImageSize Original = ImageSize.TuSimple;
    private static readonly double[] Rows = [.. Enumerable.Range(0, 56).Select(i => 160.0 + (10 * i))];

    [Theory]
    [InlineData(5, 0.995, 0.005)]
    [InlineData(2.795, 0.995, 0.005)]
    public void Extract_TrueMasksOfTheTestLabels_ScoresNearlyAll(double lineWidth, double accuracy, double wrong)
    {
        TuSimpleScore score = ScoreTrueMasks(lineWidth, every: 1, spoil: null);
        Assert.True(
            score.Accuracy >= accuracy && score.FalsePositives <= wrong && score.FalseNegatives <= wrong,
            $"accuracy {score.Accuracy}, FP {score.FalsePositives}, FN {score.FalseNegatives}");
    }

    [Theory]
    [InlineData("thick", 0.995, 0.005)]
    [InlineData("broken", 0.985, 0.025)]
    [InlineData("blobs", 0.985, 0.015)]
    [InlineData("thick broken blobs", 0.97, 0.06)]
    public void Extract_SpoiltMasks_StillScoresWell(string spoils, double accuracy, double wrong)
    {
        TuSimpleScore score = ScoreTrueMasks(5, every: 10, spoil: (mask, frame) =>
        {
            var random = new Random(frame);
            if (spoils.Contains("thick", StringComparison.Ordinal))
            {
                NoisyMask.Thicken(mask, Network.Width);
            }

            if (spoils.Contains("broken", StringComparison.Ordinal))
            {
                NoisyMask.Break(mask, Network.Width, random);
            }

            if (spoils.Contains("blobs", StringComparison.Ordinal))
            {
                NoisyMask.AddBlobs(mask, Network.Width, random);
            }
        });
        Assert.True(
            score.Accuracy >= accuracy && score.FalsePositives <= wrong && score.FalseNegatives <= wrong,
            $"accuracy {score.Accuracy}, FP {score.FalsePositives}, FN {score.FalseNegatives}");
    }

    [Fact]
    public void Extract_StraightLanes_AreFoundCloselyWithinTheirExtent()
    {
        // The third leans 5.7 columns a row: 15 pixels along its row are 2.6 across it.
        double[][] truth = [Lane(200, 700, 600, 300), Lane(1000, 700, 660, 300), Lane(1270, 400, 700, 300)];
        IReadOnlyList<double[]> lanes = Extract(Mask(truth));

        Assert.Equal(3, lanes.Count);
        for (int lane = 0; lane < 3; lane++)
        {
            for (int row = 0; row < Rows.Length; row++)
            {
                Assert.Equal(truth[lane][row] >= 0, lanes[lane][row] >= 0);
                Assert.True(Math.Abs(truth[lane][row] - lanes[lane][row]) < (lane < 2 ? 2 : 15), $"lane {lane} row {row}: {lanes[lane][row]} for {truth[lane][row]}");
            }
        }
    }

    [Fact]
    public void Extract_LaneThatEndsFarFromTheEdge_IsDrawnOutToIt()
    {
        // Both run on straight below their last pixel: one to the bottom at row 719, one out of the right side at row 560.
        double[][] seen = [Lane(400, 500, 600, 300), Lane(1040, 480, 500, 300)];
        double[][] whole = [Lane(181, 719, 600, 300), Lane(1280, 560, 500, 300)];
        IReadOnlyList<double[]> lanes = Extract(Mask(seen));

        Assert.Equal(2, lanes.Count);
        for (int lane = 0; lane < 2; lane++)
        {
            for (int row = 0; row < Rows.Length; row++)
            {
                Assert.True(Math.Abs(whole[lane][row] - lanes[lane][row]) < 8 || Math.Abs(Rows[row] - 560) < 10, $"lane {lane} row {Rows[row]}: {lanes[lane][row]} for {whole[lane][row]}");
            }
        }

        var asSeen = new LaneExtractor(new LaneExtractorOptions { ExtendBeyondRows = Network.Height });
        Assert.All(asSeen.Extract(Mask(seen), Network, Original, Rows), lane => Assert.Equal(TuSimpleLabel.NoPoint, lane[^1]));
    }

    [Fact]
    public void Extract_FragmentThatPointsAcrossALane_IsNotDrawnOut()
    {
        double[] lane = Lane(1100, 719, 700, 300);
        double[] fragment = Lane(950, 420, 1050, 370);
        IReadOnlyList<double[]> lanes = Extract(Mask([lane, fragment]));

        Assert.Equal(2, lanes.Count);
        double[] found = lanes.Single(candidate => candidate[^1] == TuSimpleLabel.NoPoint);
        Assert.All(found.Zip(Rows).Where(point => point.First >= 0), point => Assert.InRange(point.Second, 360, 430));
    }

    [Fact]
    public void Extract_LanesThatMeet_StayTwo()
    {
        double[][] truth = [Lane(300, 700, 640, 200), Lane(1000, 700, 644, 200)];
        IReadOnlyList<double[]> lanes = Extract(Mask(truth));
        Assert.Equal(2, lanes.Count);
        Assert.True(Score(lanes, truth) > 0.99);
    }

    [Fact]
    public void Extract_DashedLane_IsOne()
    {
        byte[] mask = Mask([Lane(300, 700, 640, 240)]);
        for (int row = 120; row < 360; row += 40)
        {
            mask.AsSpan(row * Network.Width, 22 * Network.Width).Clear();
        }

        Assert.Single(Extract(mask));
    }

    [Fact]
    public void Extract_BlobBesideALane_ChangesNothing()
    {
        double[][] truth = [Lane(300, 700, 640, 240)];
        byte[] mask = Mask(truth);
        for (int row = 250; row < 262; row++)
        {
            int first = mask.AsSpan(row * Network.Width, Network.Width).IndexOf((byte)1);
            mask.AsSpan((row * Network.Width) + first - 12, 12).Fill(1);
        }

        IReadOnlyList<double[]> lanes = Extract(mask);
        Assert.Single(lanes);
        Assert.Equal(1, Score(lanes, truth));
    }

    [Fact]
    public void Extract_EightLanes_KeepsTheFiveLongestFromLeftToRight()
    {
        double[][] truth = [.. Enumerable.Range(0, 8).Select(i => Lane(100 + (140 * i), 700, 100 + (140 * i), 300 + (i % 2 == 0 ? 0 : 200 + i)))];
        IReadOnlyList<double[]> lanes = Extract(Mask(truth));
        Assert.Equal([100, 380, 660, 940], lanes.Where(lane => lane[20] >= 0).Select(lane => Math.Round(lane[20] / 10) * 10));
        Assert.Equal(5, lanes.Count);
        Assert.Equal(lanes.OrderBy(lane => lane[^3]), lanes);
    }

    [Fact]
    public void Extract_EmptyOrFullMaskOrSpecks_GivesNoFalseLanes()
    {
        byte[] mask = new byte[Network.Width * Network.Height];
        Assert.Empty(Extract(mask));
        for (int i = 0; i < mask.Length; i += 997)
        {
            mask[i] = 1;
        }

        Assert.Empty(Extract(mask));
        mask.AsSpan().Fill(1);
        Assert.True(Extract(mask).Count <= 1);
    }

    [Fact]
    public void Extract_WorstMask_EndsInTime()
    {
        byte[] mask = new byte[Network.Width * Network.Height];
        new Random(1).NextBytes(mask);
        for (int i = 0; i < mask.Length; i++)
        {
            mask[i] = (byte)(mask[i] & 1);
        }

        var clock = Stopwatch.StartNew();
        IReadOnlyList<double[]> lanes = Extract(mask);
        Assert.True(lanes.Count <= 5);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"{clock.Elapsed}"); // Some milliseconds, unless its work grows with the square of the pixels.
    }

    [Fact]
    public void Extract_WrongLengthOrSetting_Throws()
    {
        Assert.Throws<ArgumentException>(() => new LaneExtractor().Extract(new byte[5], Network, Original, Rows));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LaneExtractor(new LaneExtractorOptions { MaxLanes = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LaneExtractor(new LaneExtractorOptions { DirectionPoints = 3 }));
    }

    private static TuSimpleScore ScoreTrueMasks(double lineWidth, int every, Action<byte[], int>? spoil)
    {
        List<TuSimpleLabel> labels = [.. TuSimpleLabelFile.Read(RealData.Require("tusimple", "labels", "test_label.json")).Where((_, i) => i % every == 0)];
        using var painter = new MaskPainter(Network, lineWidth);
        var extractor = new LaneExtractor();
        byte[] mask = new byte[Network.Width * Network.Height];
        var predictions = new List<TuSimplePrediction>();
        foreach (TuSimpleLabel label in labels)
        {
            painter.Paint(label, Original, mask);
            spoil?.Invoke(mask, predictions.Count);
            predictions.Add(new TuSimplePrediction(label.RawFile, [.. extractor.Extract(mask, Network, Original, label.HSamples)], 1));
        }

        return TuSimpleMetric.Score(predictions, labels);
    }

    private static IReadOnlyList<double[]> Extract(byte[] mask) => new LaneExtractor().Extract(mask, Network, Original, Rows);

    private static double Score(IReadOnlyList<double[]> lanes, double[][] truth) =>
        TuSimpleMetric.Score([new TuSimplePrediction("a", [.. lanes], 1)], [new TuSimpleLabel("a", truth, Rows)]).Accuracy;

    private static byte[] Mask(double[][] lanes)
    {
        byte[] mask = new byte[Network.Width * Network.Height];
        using var painter = new MaskPainter(Network, 5);
        painter.Paint(new TuSimpleLabel("a", lanes, Rows), Original, mask);
        return mask;
    }

    /// <summary>A straight lane from its lower to its upper end.</summary>
    private static double[] Lane(double lowX, double lowY, double highX, double highY) =>
        [.. Rows.Select(y => y >= highY && y <= lowY ? highX + ((lowX - highX) * (y - highY) / (lowY - highY)) : TuSimpleLabel.NoPoint)];
}
