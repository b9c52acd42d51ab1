using System.Text.Json;
using Convoy.Lanes.Data;
using Convoy.Lanes.Evaluation;

namespace Convoy.Lanes.Tests.Evaluation;

public sealed class TuSimpleMetricTests
{
    private const string Frame = "clips/a/20.jpg";

    private static readonly double[] Rows = [.. Enumerable.Range(0, 20).Select(i => 100.0 + (10 * i))];

    [Fact]
    public void ScoreFiles_BenchmarksBaseline_GivesTheScriptsNumbers()
    {
        TuSimpleScore score = TuSimpleMetric.ScoreFiles(
            RealData.Require("predictions", "test_baseline.json"),
            RealData.Require("tusimple", "labels", "test_label.json"));

        Assert.Equal(0.6534754672897194, score.Accuracy, 1e-9);
        Assert.Equal(0.6965312724658519, score.FalsePositives, 1e-9);
        Assert.Equal(0.647705487658762, score.FalseNegatives, 1e-9);
        Assert.Equal(2782, score.PerFrame.Count);
    }

    [Fact]
    public void Score_RandomFrames_GivesTheSecondImplementationsNumbers()
    {
        using Stream stream = typeof(TuSimpleMetricTests).Assembly.GetManifestResourceStream("metric-cases.jsonl")!;
        using var reader = new StreamReader(stream);
        int cases = 0;
        while (reader.ReadLine() is { } line)
        {
            JsonElement root = JsonDocument.Parse(line).RootElement;
            var label = new TuSimpleLabel(Frame, root.GetProperty("gt").Deserialize<double[][]>()!, root.GetProperty("rows").Deserialize<double[]>()!);
            double[] expected = root.GetProperty("expected").Deserialize<double[]>()!;

            TuSimpleScore score = TuSimpleMetric.Score(
                [new TuSimplePrediction(Frame, root.GetProperty("pred").Deserialize<double[][]>()!, root.GetProperty("run_time").GetDouble())],
                [label]);

            cases++;
            Assert.True(
                Math.Abs(expected[0] - score.Accuracy) < 1e-12 && Math.Abs(expected[1] - score.FalsePositives) < 1e-12 && Math.Abs(expected[2] - score.FalseNegatives) < 1e-12,
                $"case {cases}: expected {string.Join(' ', expected)}, got {score.Accuracy} {score.FalsePositives} {score.FalseNegatives}");
        }

        Assert.Equal(160, cases);
    }

    [Theory]
    [InlineData(19.9, 1)]
    [InlineData(20, 0)]
    public void Score_UprightLane_IsRightBelow20Pixels(double shift, double accuracy)
    {
        Assert.Equal(accuracy, One([Lane(500 + shift)], [Lane(500)]).Accuracy);
    }

    [Theory]
    [InlineData(44.7, 1)]
    [InlineData(44.8, 0)]
    public void Score_SlantedLane_WidensTheThreshold(double shift, double accuracy)
    {
        // Two columns a row: 20 * sqrt(1 + 2 * 2) = 44.72.
        Assert.Equal(accuracy, One([Lane(100 + shift, 2)], [Lane(100, 2)]).Accuracy);
    }

    [Fact]
    public void Score_AbsentRowsThatAgree_CountAsRight()
    {
        double[] truth = Lane(500);
        double[] predicted = Lane(800);
        for (int i = 0; i < 15; i++)
        {
            truth[i] = -2;
            predicted[i] = -1;
        }

        Assert.Equal(0.75, One([predicted], [truth]).Accuracy);
    }

    [Theory]
    [InlineData(17, 0)]
    [InlineData(16, 1)]
    public void Score_RightRows_MatchFrom85Percent(int right, double missed)
    {
        double[] predicted = Lane(500);
        predicted.AsSpan(right).Fill(900);
        TuSimpleScore score = One([predicted], [Lane(500)]);
        Assert.Equal(missed, score.FalseNegatives);
        Assert.Equal(missed, score.FalsePositives);
    }

    [Fact]
    public void Score_OnePredictionMatchesTwoLabels_GivesNegativeFalsePositives()
    {
        TuSimpleScore score = One([Lane(500)], [Lane(495), Lane(505)]);
        Assert.Equal((1, -1, 0), (score.Accuracy, score.FalsePositives, score.FalseNegatives));
    }

    [Theory]
    [InlineData(200, true, TuSimpleFrameRule.Compared, 1)]
    [InlineData(200.01, true, TuSimpleFrameRule.TooSlow, 0)]
    [InlineData(5000, false, TuSimpleFrameRule.Compared, 1)]
    public void Score_RunTime_AboveTheLimitScoresNothing(double milliseconds, bool applyTimeRule, TuSimpleFrameRule rule, double accuracy)
    {
        TuSimpleScore score = TuSimpleMetric.Score(
            [new TuSimplePrediction(Frame, [Lane(500)], milliseconds)], [new TuSimpleLabel(Frame, [Lane(500)], Rows)], applyTimeRule);
        Assert.Equal((accuracy, 0, 1 - accuracy), (score.Accuracy, score.FalsePositives, score.FalseNegatives));
        Assert.Equal(rule, score.PerFrame[0].Rule);
    }

    [Theory]
    [InlineData(3, TuSimpleFrameRule.Compared)]
    [InlineData(4, TuSimpleFrameRule.TooManyLanes)]
    public void Score_MoreThanTwoExtraLanes_ScoresNothing(int predicted, TuSimpleFrameRule rule)
    {
        TuSimpleScore score = One([.. Enumerable.Range(0, predicted).Select(_ => Lane(500))], [Lane(500)]);
        Assert.Equal(rule, score.PerFrame[0].Rule);
        Assert.Equal(rule == TuSimpleFrameRule.Compared ? 1 : 0, score.Accuracy);
    }

    [Fact]
    public void Score_FiveLabelLanes_LeavesOutTheWorst()
    {
        double[][] truth = [.. Enumerable.Range(0, 5).Select(i => Lane(100 + (200 * i)))];
        TuSimpleScore score = One(truth[..4], truth);
        Assert.Equal((1, 0, 0), (score.Accuracy, score.FalsePositives, score.FalseNegatives));

        score = One(truth[..3], truth);
        Assert.Equal((0.75, 0, 0.25), (score.Accuracy, score.FalsePositives, score.FalseNegatives));
    }

    [Fact]
    public void Score_NothingPredicted_HasNoFalsePositives()
    {
        TuSimpleScore score = One([], [Lane(500), Lane(700)]);
        Assert.Equal((0, 0, 1), (score.Accuracy, score.FalsePositives, score.FalseNegatives));
        score = One([], []);
        Assert.Equal((0, 0, 0), (score.Accuracy, score.FalsePositives, score.FalseNegatives));
    }

    [Fact]
    public void Score_FramePredictedAndLabelledTwice_IsDividedByDistinctFrames()
    {
        var prediction = new TuSimplePrediction(Frame, [Lane(500)], 1);
        TuSimpleScore score = TuSimpleMetric.Score(
            [prediction, prediction],
            [new TuSimpleLabel(Frame, [Lane(900)], Rows), new TuSimpleLabel(Frame, [Lane(500)], Rows)]);
        Assert.Equal(2, score.Accuracy);
    }

    [Fact]
    public void Score_AFrameTwiceInPlaceOfAnother_KeepsTheNumberAndSaysSo()
    {
        var prediction = new TuSimplePrediction("a.jpg", [Lane(500)], 1);
        TuSimpleScore score = TuSimpleMetric.Score(
            [prediction, prediction, prediction],
            [new TuSimpleLabel("a.jpg", [Lane(500)], Rows), new TuSimpleLabel("b.jpg", [Lane(500)], Rows), new TuSimpleLabel("b.jpg", [Lane(500)], Rows)]);

        Assert.Equal(1.5, score.Accuracy);
        Assert.Equal(new TuSimpleCoverage(new(1, "a.jpg"), new(1, "b.jpg"), new(1, "b.jpg"), new(0, null)), score.Coverage);
        Assert.Equal(
            ["1 frame is predicted more than once, first a.jpg", "1 frame is labelled more than once, first b.jpg", "1 labelled frame has no prediction, first b.jpg"],
            score.Coverage.Remarks);
    }

    [Fact]
    public void Score_LabelLanesWithoutAPoint_AreCountedAndLeftOutBeside()
    {
        double[] empty = [.. Rows.Select(_ => -2.0)];
        TuSimpleScore score = One([Lane(500), Lane(700)], [Lane(500), Lane(700), empty]);

        Assert.Equal((2.0 / 3, 0, 1.0 / 3), (score.Accuracy, score.FalsePositives, score.FalseNegatives));
        Assert.Equal((1, 1, Frame), (score.EmptyLanes!.Lanes, score.EmptyLanes.Missed, score.EmptyLanes.FirstFrame));
        Assert.Equal((1, 0, 0), (score.EmptyLanes.Without.Accuracy, score.EmptyLanes.Without.FalsePositives, score.EmptyLanes.Without.FalseNegatives));

        // A predicted lane without points matches such a label lane: the script counts rows where both have none as right.
        score = One([Lane(500), empty], [Lane(500), empty]);
        Assert.Equal((1, 0, 1), (score.EmptyLanes!.Lanes, score.EmptyLanes.Missed, score.Accuracy));

        score = TuSimpleMetric.Score([new TuSimplePrediction(Frame, [Lane(500)], 900)], [new TuSimpleLabel(Frame, [Lane(500), empty], Rows)]);
        Assert.Equal((1, 0, 1), (score.EmptyLanes!.Missed, score.Accuracy, score.FalseNegatives));
        Assert.Null(One([Lane(500)], [Lane(500)]).EmptyLanes);
    }

    [Fact]
    public void ScoreFiles_RowsFromTheBottomUp_GiveTheSameScore()
    {
        using var folder = new TemporaryFolder();
        double[] lane = [.. Rows.Select((y, i) => i < 3 ? -2 : 300 + (0.37 * y))];
        double[] found = [.. lane.Select((x, i) => i % 3 == 0 ? x + 60 : x + 19.5)];
        string ascending = ScoreOf(lane, found, Rows);
        string descending = ScoreOf([.. lane.Reverse()], [.. found.Reverse()], [.. Rows.Reverse()]);

        Assert.Equal(ascending, descending);
        Assert.DoesNotContain("\"Accuracy\",\"value\":1,", ascending, StringComparison.Ordinal);

        string ScoreOf(double[] truth, double[] predicted, double[] rows) => TuSimpleMetric.ScoreFiles(
            folder.Write("p.json", JsonSerializer.Serialize(new { raw_file = Frame, lanes = new[] { predicted }, run_time = 1 })),
            folder.Write("g.json", JsonSerializer.Serialize(new { raw_file = Frame, lanes = new[] { truth }, h_samples = rows }))).ToBenchmarkJson();
    }

    [Fact]
    public void ScoreFiles_WithoutTheTimeRule_TakesPredictionsWithoutRunTime()
    {
        using var folder = new TemporaryFolder();
        string labels = folder.Write("g.json", """{"raw_file":"a.jpg","lanes":[[5]],"h_samples":[1]}""" + "\n" + """{"raw_file":"b.jpg","lanes":[[5]],"h_samples":[1]}""");
        string predictions = folder.Write("p.json", """{"raw_file":"a.jpg","lanes":[[5]]}""" + "\n" + """{"raw_file":"b.jpg","lanes":[[90]],"run_time":null}""");

        TuSimpleScore score = TuSimpleMetric.ScoreFiles(predictions, labels, applyTimeRule: false);

        Assert.Equal((0.5, 0.5, 0.5), (score.Accuracy, score.FalsePositives, score.FalseNegatives));
        Assert.All(score.PerFrame, frame => Assert.Equal((TuSimpleFrameRule.Compared, double.NaN), (frame.Rule, frame.RunTimeMilliseconds)));
        TuSimpleFrameCsv.Write(folder.File("f.csv"), score.PerFrame);
        Assert.Equal("a.jpg,1,0,0,1,1,,compared", File.ReadAllLines(folder.File("f.csv"))[1]);
        Assert.Contains("lacks run_time", Assert.Throws<BadInputException>(() => TuSimpleMetric.ScoreFiles(predictions, labels)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Score_FramesMissing_IsRefusedWithTheirNumberAndTheFirst()
    {
        TuSimpleLabel label = new("a.jpg", [Lane(500)], Rows);
        TuSimplePrediction prediction = new("a.jpg", [], 1);

        Assert.EndsWith(
            "(1 prediction, 3 labels). Predict every labelled frame exactly once: 2 labelled frames have no prediction, first b.jpg.",
            Error([prediction], [label, label with { RawFile = "b.jpg" }, label with { RawFile = "c.jpg" }]),
            StringComparison.Ordinal);
        Assert.EndsWith(
            "under the raw_file of their labels: 1 labelled frame has no prediction, first a.jpg; 1 predicted frame has no label, first d.jpg.",
            Error([prediction with { RawFile = "d.jpg" }], [label]),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Score_WrongInput_NamesSourceAndValue()
    {
        TuSimpleLabel label = new(Frame, [Lane(500)], Rows);
        TuSimplePrediction shortLane = new(Frame, [Lane(500), [1, 2]], 900) { Source = "pred.json line 7" };
        Assert.Contains("(pred.json line 7: lane 2 has 2 values for 20 rows)", Error([shortLane], [label]), StringComparison.Ordinal);
        Assert.Contains("a predicted frame has no label (prediction 1: clips/b.jpg)", Error([new("clips/b.jpg", [], 1)], [label]), StringComparison.Ordinal);
        Assert.Contains("(0 predictions, 1 label)", Error([], [label]), StringComparison.Ordinal);
        Assert.Contains("(0 labels)", Error([], []), StringComparison.Ordinal);
        Assert.Contains("lane 1 has 1 value for 20 rows", Error([new(Frame, [], 1)], [new(Frame, [[5]], Rows)]), StringComparison.Ordinal);
    }

    [Fact]
    public void ToBenchmarkJson_Score_IsTheBenchmarksForm()
    {
        Assert.Equal(
            """[{"name":"Accuracy","value":0.5,"order":"desc"},{"name":"FP","value":-0.25,"order":"asc"},{"name":"FN","value":1,"order":"asc"}]""",
            new TuSimpleScore(0.5, -0.25, 1, []).ToBenchmarkJson());
    }

    [Fact]
    public void ToBenchmarkJson_OfWhatThereIsToRemarkOn_FollowsInEntriesOfTheSameForm()
    {
        var score = new TuSimpleScore(0.5, -0.25, 1, [])
        {
            Coverage = new TuSimpleCoverage(new(1, "a"), default, new(2, "b"), default),
            EmptyLanes = new EmptyLabelLanes(3, 2, "c", new TuSimpleScore(0.75, 0, 0.125, [])),
        };

        Assert.EndsWith(
            """{"name":"FN","value":1,"order":"asc"},{"name":"FramesPredictedTwice","value":1,"order":"asc","first":"a"},{"name":"FramesWithoutPrediction","value":2,"order":"asc","first":"b"},{"name":"EmptyLabelLanes","value":3,"order":"asc","first":"c"},{"name":"EmptyLabelLanesMissed","value":2,"order":"asc"},{"name":"AccuracyWithoutEmptyLanes","value":0.75,"order":"desc"},{"name":"FPWithoutEmptyLanes","value":0,"order":"asc"},{"name":"FNWithoutEmptyLanes","value":0.125,"order":"asc"}]""",
            score.ToBenchmarkJson(),
            StringComparison.Ordinal);
    }

    private static double[] Lane(double x, double columnsPerRow = 0) => [.. Rows.Select(y => x + (columnsPerRow * (y - Rows[0])))];

    private static TuSimpleScore One(double[][] predicted, double[][] truth) =>
        TuSimpleMetric.Score([new TuSimplePrediction(Frame, predicted, 10)], [new TuSimpleLabel(Frame, truth, Rows)]);

    private static string Error(TuSimplePrediction[] predictions, TuSimpleLabel[] labels) =>
        Assert.Throws<BadInputException>(() => TuSimpleMetric.Score(predictions, labels)).Message;
}
