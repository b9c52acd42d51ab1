using System.Globalization;
using System.Text;

namespace Convoy.Lanes.Evaluation;

/// <summary>The per-frame results as a CSV file (RFC 4180, UTF-8, invariant numbers): for finding the frames that cost most.</summary>
public static class TuSimpleFrameCsv
{
    /// <summary>The file's first line.</summary>
    public const string Header = "raw_file,accuracy,fp,fn,label_lanes,predicted_lanes,run_time_ms,rule";

    /// <summary>Writes one row per prediction, under a temporary name first, so that a failure leaves an earlier file as it was.</summary>
    /// <exception cref="BadInputException">The file cannot be written.</exception>
    public static void Write(string path, IReadOnlyList<TuSimpleFrameScore> frames)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(frames);
        OutputFile.Write(path, stream =>
        {
            using var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
            writer.NewLine = "\n";
            writer.WriteLine(Header);
            foreach (TuSimpleFrameScore frame in frames)
            {
                writer.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Quote(frame.RawFile)},{frame.Accuracy},{frame.FalsePositives},{frame.FalseNegatives},{frame.LabelLanes},{frame.PredictedLanes},{RunTime(frame.RunTimeMilliseconds)},{RuleName(frame.Rule)}"));
            }
        });
    }

    private static string RunTime(double milliseconds) => double.IsNaN(milliseconds) ? "" : milliseconds.ToString(CultureInfo.InvariantCulture);

    private static string RuleName(TuSimpleFrameRule rule) => rule switch
    {
        TuSimpleFrameRule.Compared => "compared",
        TuSimpleFrameRule.TooSlow => "too_slow",
        TuSimpleFrameRule.TooManyLanes => "too_many_lanes",
        _ => throw new ArgumentOutOfRangeException(nameof(rule), rule, "Not a rule of the metric."),
    };

    private static string Quote(string text) =>
        text.AsSpan().IndexOfAny("\",\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
