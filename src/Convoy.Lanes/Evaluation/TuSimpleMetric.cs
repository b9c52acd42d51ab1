using System.Globalization;
using Convoy.Lanes.Data;

namespace Convoy.Lanes.Evaluation;

/// <summary>
/// The metric of the TuSimple lane benchmark, number for number as its script <c>evaluate/lane.py</c> computes it, including the script's
/// peculiarities: a row counts as right where prediction and label both have no point; several label lanes may match one predicted lane, so
/// that false positives can be negative; with more than four label lanes the worst is left out; sums are divided by the number of distinct
/// labelled frames, even when a frame is predicted twice.
/// </summary>
public static class TuSimpleMetric
{
    /// <summary>A point of a vertical lane is right when it is closer than this, in pixels of the original image.</summary>
    public const double PixelThreshold = 20;

    /// <summary>A label lane is matched when at least this share of its rows are right.</summary>
    public const double MatchThreshold = 0.85;

    /// <summary>The benchmark's time limit for one frame, in milliseconds.</summary>
    public const double TimeLimitMilliseconds = 200;

    /// <summary>A frame scores 0 when more lanes than the label's plus this many are predicted.</summary>
    public const int ExtraLanesAllowed = 2;

    /// <summary>What the script uses for an absent point: far from every pixel, and the same for prediction and label.</summary>
    private const double AbsentPoint = -100;

    /// <summary>At most this many lanes of a frame count.</summary>
    private const int CountedLanes = 4;

    /// <summary>Scores a prediction file against a label file.</summary>
    /// <param name="predictionPath">A prediction file; see <see cref="TuSimplePredictionFile"/>.</param>
    /// <param name="labelPath">A label file; see <see cref="TuSimpleLabelFile"/>.</param>
    /// <param name="applyTimeRule">Whether frames over 200 ms score 0, as in the benchmark. Default true. Without the rule, predictions need no <c>run_time</c>.</param>
    /// <exception cref="BadInputException">A file cannot be read or the two do not fit together; the message names file, line and value.</exception>
    public static TuSimpleScore ScoreFiles(string predictionPath, string labelPath, bool applyTimeRule = true)
    {
        IReadOnlyList<TuSimpleLabel> labels = TuSimpleLabelFile.Read(labelPath);
        IReadOnlyList<TuSimplePrediction> predictions = TuSimplePredictionFile.Read(predictionPath, requireRunTime: applyTimeRule);
        TuSimpleCoverage coverage = Coverage(predictions, labels);
        RequireSameCount(predictions, labels, coverage, $"{predictionPath}: {Quantity.Format(predictions.Count, "prediction")}, {labelPath}: {Quantity.Format(labels.Count, "label")}");
        return Score(InRowOrder(predictions, labels), labels, applyTimeRule);
    }

    /// <summary>Scores predictions against labels.</summary>
    /// <param name="predictions">One per label. A frame predicted twice counts twice.</param>
    /// <param name="labels">The labels. The later of two labels of one frame counts.</param>
    /// <param name="applyTimeRule">Whether frames over 200 ms score 0, as in the benchmark. Default true.</param>
    /// <exception cref="BadInputException">
    /// There are no labels, there are more or fewer predictions than labels, a predicted frame has no label, or a lane does not have one x per
    /// row. The script fails in these cases, too.
    /// </exception>
    public static TuSimpleScore Score(
        IReadOnlyList<TuSimplePrediction> predictions,
        IReadOnlyList<TuSimpleLabel> labels,
        bool applyTimeRule = true)
    {
        ArgumentNullException.ThrowIfNull(predictions);
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Count == 0)
        {
            throw new BadInputException("there is nothing to score against", "0 labels", "Give a label file with at least one line.");
        }

        TuSimpleCoverage coverage = Coverage(predictions, labels);
        RequireSameCount(predictions, labels, coverage, $"{Quantity.Format(predictions.Count, "prediction")}, {Quantity.Format(labels.Count, "label")}");
        var labelOfFrame = new Dictionary<string, PreparedLabel>(labels.Count, StringComparer.Ordinal);
        foreach (TuSimpleLabel label in labels)
        {
            labelOfFrame[label.RawFile] = new PreparedLabel(label);
        }

        var frames = new List<TuSimpleFrameScore>(predictions.Count);
        double accuracy = 0;
        double falsePositives = 0;
        double falseNegatives = 0;
        for (int i = 0; i < predictions.Count; i++)
        {
            TuSimplePrediction prediction = predictions[i];
            string source = prediction.Source ?? Invariant($"prediction {i + 1}");
            if (!labelOfFrame.TryGetValue(prediction.RawFile, out PreparedLabel? label))
            {
                throw new BadInputException(
                    "a predicted frame has no label",
                    $"{source}: {prediction.RawFile}",
                    $"Predict the labelled frames under the raw_file of their labels: {string.Join("; ", coverage.Remarks)}.");
            }

            TuSimpleFrameScore frame = ScoreFrame(prediction, label, source, applyTimeRule);
            frames.Add(frame);
            accuracy += frame.Accuracy;
            falsePositives += frame.FalsePositives;
            falseNegatives += frame.FalseNegatives;
        }

        double count = labelOfFrame.Count;
        return new TuSimpleScore(accuracy / count, falsePositives / count, falseNegatives / count, frames)
        {
            Coverage = coverage,
            EmptyLanes = EmptyLanes(frames, () => Score(predictions, [.. labels.Select(WithoutEmptyLanes)], applyTimeRule)),
        };
    }

    private static EmptyLabelLanes? EmptyLanes(IReadOnlyList<TuSimpleFrameScore> frames, Func<TuSimpleScore> scoreWithout)
    {
        TuSimpleFrameScore[] affected = [.. frames.DistinctBy(frame => frame.RawFile).Where(frame => frame.EmptyLabelLanes > 0)];
        return affected.Length == 0
            ? null
            : new EmptyLabelLanes(affected.Sum(frame => frame.EmptyLabelLanes), affected.Sum(frame => frame.MissedEmptyLanes), affected[0].RawFile, scoreWithout());
    }

    private static TuSimpleLabel WithoutEmptyLanes(TuSimpleLabel label) => label with { Lanes = [.. label.Lanes.Where(lane => !IsEmpty(lane))] };

    private static bool IsEmpty(double[] lane) => Array.TrueForAll(lane, x => x < 0);

    private static TuSimpleCoverage Coverage(IReadOnlyList<TuSimplePrediction> predictions, IReadOnlyList<TuSimpleLabel> labels) =>
        TuSimpleCoverage.Compare([.. predictions.Select(prediction => prediction.RawFile)], [.. labels.Select(label => label.RawFile)]);

    /// <summary>The predictions with their lanes from the top down, as labels are read: predictions for labels that go from the bottom up do so as well.</summary>
    private static TuSimplePrediction[] InRowOrder(IReadOnlyList<TuSimplePrediction> predictions, IReadOnlyList<TuSimpleLabel> labels)
    {
        // The later of two labels of one frame counts.
        Dictionary<string, bool> descends = [];
        foreach (TuSimpleLabel label in labels)
        {
            descends[label.RawFile] = label.RowsDescend;
        }

        return [.. predictions.Select(prediction => descends.GetValueOrDefault(prediction.RawFile) ? prediction.Reversed() : prediction)];
    }

    private static void RequireSameCount(IReadOnlyCollection<TuSimplePrediction> predictions, IReadOnlyCollection<TuSimpleLabel> labels, TuSimpleCoverage coverage, string found)
    {
        if (predictions.Count != labels.Count)
        {
            throw new BadInputException(
                "there must be one prediction for each label", found, $"Predict every labelled frame exactly once: {string.Join("; ", coverage.Remarks)}.");
        }
    }

    private static TuSimpleFrameScore ScoreFrame(TuSimplePrediction prediction, PreparedLabel label, string source, bool applyTimeRule)
    {
        double[][] lanes = prediction.Lanes;
        // The script checks the form first, so a wrong form is an error even in a frame that was too slow.
        for (int lane = 0; lane < lanes.Length; lane++)
        {
            if (lanes[lane].Length != label.Rows)
            {
                throw new BadInputException(
                    "a predicted lane must have one x for each of the label's h_samples",
                    Invariant($"{source}: lane {lane + 1} has {Quantity.Format(lanes[lane].Length, "value")} for {Quantity.Format(label.Rows, "row")}"),
                    "Write -2 in rows where the lane has no point.");
            }
        }

        TuSimpleFrameRule rule =
            applyTimeRule && prediction.RunTimeMilliseconds > TimeLimitMilliseconds ? TuSimpleFrameRule.TooSlow
            : lanes.Length > label.Lanes.Length + ExtraLanesAllowed ? TuSimpleFrameRule.TooManyLanes
            : TuSimpleFrameRule.Compared;
        int empty = label.Lanes.Count(IsEmpty);
        (double accuracy, double falsePositives, double falseNegatives, int missedEmpty) =
            rule == TuSimpleFrameRule.Compared ? Compare(lanes, label) : (0, 0, 1, empty);
        return new TuSimpleFrameScore(
            prediction.RawFile,
            accuracy,
            falsePositives,
            falseNegatives,
            label.Lanes.Length,
            lanes.Length,
            prediction.RunTimeMilliseconds,
            rule)
        {
            EmptyLabelLanes = empty,
            MissedEmptyLanes = missedEmpty,
        };
    }

    private static (double Accuracy, double FalsePositives, double FalseNegatives, int MissedEmptyLanes) Compare(double[][] predicted, PreparedLabel label)
    {
        double sum = 0;
        double worst = double.PositiveInfinity;
        int matched = 0;
        int missed = 0;
        int missedEmpty = 0;
        for (int lane = 0; lane < label.Lanes.Length; lane++)
        {
            double best = 0;
            foreach (double[] candidate in predicted)
            {
                best = Math.Max(best, LineAccuracy(candidate, label.Lanes[lane], label.Thresholds[lane]));
            }

            if (best < MatchThreshold)
            {
                missed++;
                missedEmpty += IsEmpty(label.Lanes[lane]) ? 1 : 0;
            }
            else
            {
                matched++;
            }

            sum += best;
            worst = Math.Min(worst, best);
        }

        bool dropsWorst = label.Lanes.Length > CountedLanes;
        if (dropsWorst)
        {
            sum -= worst;
            missed = Math.Max(missed - 1, 0);
        }

        double counted = Math.Max(Math.Min(CountedLanes, label.Lanes.Length), 1);
        double falsePositives = predicted.Length > 0 ? (double)(predicted.Length - matched) / predicted.Length : 0;
        return (sum / counted, falsePositives, missed / counted, missedEmpty);
    }

    /// <summary>The share of rows in which both lanes have no point or are closer than the threshold.</summary>
    private static double LineAccuracy(double[] predicted, double[] truth, double threshold)
    {
        int right = 0;
        for (int row = 0; row < truth.Length; row++)
        {
            double x = predicted[row] >= 0 ? predicted[row] : AbsentPoint;
            double trueX = truth[row] >= 0 ? truth[row] : AbsentPoint;
            if (Math.Abs(x - trueX) < threshold)
            {
                right++;
            }
        }

        return (double)right / truth.Length;
    }

    /// <summary>
    /// The threshold of one label lane: 20 px for a vertical lane, and as much measured across a slanted one, that is 20 / cos(angle) along
    /// the row, with the angle of the least-squares line x(y) through the lane's points.
    /// </summary>
    internal static double LaneThreshold(double[] lane, double[] rows)
    {
        int count = 0;
        double meanX = 0;
        double meanY = 0;
        for (int i = 0; i < lane.Length; i++)
        {
            if (lane[i] >= 0)
            {
                count++;
                meanX += lane[i];
                meanY += rows[i];
            }
        }

        if (count < 2)
        {
            return PixelThreshold;
        }

        meanX /= count;
        meanY /= count;
        double covariance = 0;
        double variance = 0;
        for (int i = 0; i < lane.Length; i++)
        {
            if (lane[i] >= 0)
            {
                covariance += (rows[i] - meanY) * (lane[i] - meanX);
                variance += (rows[i] - meanY) * (rows[i] - meanY);
            }
        }

        double slope = variance > 0 ? covariance / variance : 0;
        return PixelThreshold / Math.Cos(Math.Atan(slope));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>A label with its lanes' thresholds, checked.</summary>
    private sealed class PreparedLabel
    {
        public PreparedLabel(TuSimpleLabel label)
        {
            Lanes = label.Lanes;
            Rows = label.HSamples.Length;
            for (int lane = 0; lane < Lanes.Length; lane++)
            {
                if (Rows == 0 || Lanes[lane].Length != Rows)
                {
                    throw new BadInputException(
                        "a label's lane must have one x for each of its h_samples",
                        Invariant($"{label.RawFile}: lane {lane + 1} has {Quantity.Format(Lanes[lane].Length, "value")} for {Quantity.Format(Rows, "row")}"),
                        "Repair or remove this label.");
                }
            }

            Thresholds = Array.ConvertAll(Lanes, lane => LaneThreshold(lane, label.HSamples));
        }

        public double[][] Lanes { get; }

        public double[] Thresholds { get; }

        public int Rows { get; }
    }
}
