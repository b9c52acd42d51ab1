using System.CommandLine;
using Convoy.Cli.Evaluation;
using Convoy.Lanes.Data;
using Convoy.Training;
using Convoy.Training.Checkpoints;
using Convoy.Training.Programs;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy eval</c>: predicts labelled frames and scores them.</summary>
internal static class EvalCommand
{
    public static Command Create()
    {
        var data = new Option<string>("--data") { Description = "The labelled frames: a folder in TuSimple's layout, or one label file.", Required = true, HelpName = "DIR" };
        var checkpoint = new Option<string>("--checkpoint") { Description = "A run directory (its newest checkpoint) or a checkpoint's folder.", Required = true, HelpName = "PATH" };
        var output = new Option<string?>("--out") { Description = "Also write the lanes found to this file, in TuSimple's form with each frame's time.", HelpName = "FILE" };
        var overlays = new Option<string?>("--overlays") { Description = "Also draw every frame's lanes into this folder.", HelpName = "DIR" };
        var threads = new Option<int>("--threads") { Description = "libtorch's threads.", DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<string> precision = DetectorPrecision.Option();
        Option<bool> json = ConsoleOutput.JsonOption();
        var command = new Command("eval", "Finds the lanes of labelled frames and scores them with TuSimple's metric, lane IoU and F1.") { data, checkpoint, output, overlays, threads, precision, json };
        command.SetAction((parsed, interrupted) => Task.FromResult(Run(
            parsed.GetRequiredValue(data),
            parsed.GetRequiredValue(checkpoint),
            parsed.GetValue(output),
            parsed.GetValue(overlays),
            new EvaluationSettings(parsed.GetValue(threads), ChannelsLast: true, DetectorPrecision.Named(parsed.GetRequiredValue(precision))),
            parsed.GetValue(json),
            interrupted)));
        return command;
    }

    private static int Run(string data, string checkpointPath, string? output, string? overlays, EvaluationSettings settings, bool json, CancellationToken interrupted)
    {
        CommandLineChecks.Threads(settings.Threads);
        LaneDataset frames = LaneDataset.Open(data);
        DatasetRemarks remarks = frames.Verify();
        Checkpoint checkpoint = Checkpoint.Find(checkpointPath);
        RequireOutputs(data, output, overlays);
        foreach (string remark in remarks.Lines)
        {
            ConsoleOutput.Warning(remark);
        }

        EvaluationReport report = EvaluationReport.Make(
            checkpoint,
            frames,
            settings,
            overlays is null ? null : new OverlayPictures(overlays, frames.Count),
            ConsoleOutput.People(json),
            interrupted);
        if (output is not null)
        {
            report.WritePredictions(output);
        }

        if (json)
        {
            ConsoleOutput.Json(report.ToJson());
        }
        else
        {
            report.Print(ConsoleOutput.People());
        }

        return ExitCodes.Done;
    }

    // Scoring takes minutes: what could stop its results from being written is found before.
    private static void RequireOutputs(string data, string? output, string? overlays)
    {
        if (output is not null)
        {
            if (Path.GetFullPath(output) == Path.GetFullPath(data))
            {
                throw new BadInputException("--out names the label file", output, "Give the predictions a file of their own.");
            }

            OutputFile.RequireWritable(output);
        }

        if (overlays is not null)
        {
            OutputFolder.RequireEmpty(overlays);
            OutputFolder.RequireWritable(overlays);
        }
    }
}
