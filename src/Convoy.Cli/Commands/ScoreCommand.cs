using System.CommandLine;
using System.Globalization;
using Convoy.Lanes.Evaluation;
using Convoy.Training;
using Convoy.Training.Programs;
using Spectre.Console;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy score</c>: TuSimple's metric on a prediction file and a label file.</summary>
internal static class ScoreCommand
{
    public static Command Create()
    {
        var predictions = new Option<string>("--pred") { Description = "The prediction file: one JSON object a line with raw_file, lanes and run_time.", Required = true, HelpName = "FILE" };
        var labels = new Option<string>("--gt") { Description = "The label file: one JSON object a line with raw_file, lanes and h_samples.", Required = true, HelpName = "FILE" };
        var perFrame = new Option<string?>("--per-frame") { Description = "Also write each frame's score to this CSV file.", HelpName = "FILE.csv" };
        var noTimeRule = new Option<bool>("--no-time-rule") { Description = "Score frames that took over 200 ms like the others; predictions need no run_time. The benchmark scores them 0." };
        Option<bool> json = ConsoleOutput.JsonOption();
        json.Description = "Print the score in the benchmark's own JSON form, and what is there twice or missing in further entries of it; everything else goes to standard error.";
        var command = new Command("score", "Scores a prediction file with TuSimple's metric, number for number as the benchmark's script does.")
        {
            predictions, labels, perFrame, noTimeRule, json,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(predictions),
            parsed.GetRequiredValue(labels),
            parsed.GetValue(perFrame),
            applyTimeRule: !parsed.GetValue(noTimeRule),
            parsed.GetValue(json)));
        return command;
    }

    private static int Run(string predictionPath, string labelPath, string? csvPath, bool applyTimeRule, bool json)
    {
        if (csvPath is not null && (SameFile(csvPath, predictionPath) || SameFile(csvPath, labelPath)))
        {
            throw new BadInputException("--per-frame names an input file", csvPath, "Give the CSV file a name of its own.");
        }

        TuSimpleScore score = TuSimpleMetric.ScoreFiles(predictionPath, labelPath, applyTimeRule);
        if (csvPath is not null)
        {
            TuSimpleFrameCsv.Write(csvPath, score.PerFrame);
        }

        if (json)
        {
            Console.Out.WriteLine(score.ToBenchmarkJson());
        }
        else
        {
            Print(score, applyTimeRule, csvPath, ConsoleOutput.People());
        }

        return ExitCodes.Done;
    }

    /// <summary>Prints the score for people.</summary>
    internal static void Print(TuSimpleScore score, bool applyTimeRule, string? csvPath, IAnsiConsole console)
    {
        Table table = new Table { Border = TableBorder.Simple }
            .AddColumn("TuSimple metric")
            .AddColumn(new TableColumn("value").RightAligned())
            .AddColumn("better")
            .AddRow("Accuracy", Number(score.Accuracy), "higher")
            .AddRow("FP", Number(score.FalsePositives), "lower")
            .AddRow("FN", Number(score.FalseNegatives), "lower");
        console.Write(table);

        int tooSlow = score.PerFrame.Count(frame => frame.Rule == TuSimpleFrameRule.TooSlow);
        int tooManyLanes = score.PerFrame.Count(frame => frame.Rule == TuSimpleFrameRule.TooManyLanes);
        console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{score.PerFrame.Count} {(score.PerFrame.Count == 1 ? "frame" : "frames")}{(applyTimeRule ? "" : ", without the time rule")}"));
        if (tooSlow > 0)
        {
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tooSlow} took over {TuSimpleMetric.TimeLimitMilliseconds} ms and scored 0 (--no-time-rule scores them like the others)"));
        }

        if (tooManyLanes > 0)
        {
            console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tooManyLanes} had more than {TuSimpleMetric.ExtraLanesAllowed} lanes too many and scored 0"));
        }

        foreach (string remark in score.Coverage.Remarks)
        {
            console.WriteLine(remark);
        }

        if (score.EmptyLanes is { } empty)
        {
            console.WriteLine(empty.Remark);
        }

        if (csvPath is not null)
        {
            console.WriteLine($"each frame's score: {csvPath}");
        }
    }

    private static string Number(double value) => value.ToString("0.0000", CultureInfo.InvariantCulture);

    private static bool SameFile(string one, string other) =>
        one.Length > 0 && other.Length > 0 && string.Equals(Path.GetFullPath(one), Path.GetFullPath(other), StringComparison.Ordinal);
}
