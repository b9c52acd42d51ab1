using System.CommandLine;
using System.Globalization;
using Convoy.Cli.Evaluation;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing;
using Convoy.Lanes.Evaluation;
using Convoy.Training;
using Convoy.Training.Checkpoints;
using Convoy.Training.Programs;
using Spectre.Console;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy predict</c>: finds the lanes of any pictures.</summary>
internal static class PredictCommand
{
    private const string PredictionFile = "predictions.json";

    public static Command Create()
    {
        var checkpoint = new Option<string>("--checkpoint") { Description = "A run directory (its newest checkpoint) or a checkpoint's folder.", Required = true, HelpName = "PATH" };
        var output = new Option<string>("--out") { Description = $"The folder for the pictures with lanes and {PredictionFile}; absent or empty.", Required = true, HelpName = "DIR" };
        var threads = new Option<int>("--threads") { Description = "libtorch's threads.", DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<string> precision = DetectorPrecision.Option();
        var images = new Argument<string[]>("IMAGE-or-DIR") { Description = "Pictures, or folders of pictures.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("predict", "Finds the lanes of pictures: an overlay picture each, and their points in TuSimple's form. Pictures are turned as their EXIF orientation says.") { checkpoint, output, threads, precision, images };
        command.SetAction((parsed, interrupted) => Task.FromResult(Run(
            parsed.GetRequiredValue(checkpoint),
            parsed.GetRequiredValue(output),
            new EvaluationSettings(parsed.GetValue(threads), ChannelsLast: true, DetectorPrecision.Named(parsed.GetRequiredValue(precision))),
            parsed.GetRequiredValue(images),
            interrupted)));
        return command;
    }

    private static int Run(string checkpointPath, string output, EvaluationSettings settings, string[] inputs, CancellationToken interrupted)
    {
        CommandLineChecks.Threads(settings.Threads);
        IReadOnlyList<InputPicture> pictures = InputPicture.Find(inputs);
        Checkpoint checkpoint = Checkpoint.Find(checkpointPath);
        OutputFolder.RequireEmpty(output);
        OutputFolder.RequireWritable(output);
        TorchSharp.torch.set_num_threads(settings.Threads);
        using LaneDetector detector = LaneDetector.Load(checkpoint, settings.ChannelsLast, settings.Dtype);
        IAnsiConsole console = ConsoleOutput.People();
        Predictions done = FrameProgress.Show(console, "Finding lanes", pictures.Count, progress => PredictAll(detector, pictures, output, progress, interrupted));
        if (done.Found.Count > 0)
        {
            TuSimplePredictionFile.Write(Path.Combine(output, PredictionFile), done.Found);
            Tell(console, done, output);
        }

        interrupted.ThrowIfCancellationRequested();
        return done.Unreadable.Count == 0 ? ExitCodes.Done : TellUnreadable(done, pictures.Count);
    }

    // What has been found stays when the work is interrupted; the folder is made when there is something to put into it.
    private static Predictions PredictAll(
        LaneDetector detector, IReadOnlyList<InputPicture> pictures, string output, IProgress<int>? progress, CancellationToken interrupted)
    {
        var done = new Predictions();
        using var reader = new ImageReader(detector.Size) { Upright = true };
        foreach (InputPicture picture in pictures)
        {
            if (interrupted.IsCancellationRequested)
            {
                break;
            }

            TorchSharp.torch.Tensor image;
            ImageSize original;
            try
            {
                image = reader.ReadTensor(picture.Path, detector.ChannelsLast, out original);
            }
            catch (BadInputException error)
            {
                done.Unreadable.Add((picture.Path, error.Message));
                continue;
            }

            using (image)
            {
                Directory.CreateDirectory(output);
                done.Found.Add(Predict(detector, picture, image, original, output));
                done.Turned += ImageHeader.IsTurned(picture.Path) ? 1 : 0;
            }

            progress?.Report(done.Found.Count + done.Unreadable.Count);
        }

        return done;
    }

    private static TuSimplePrediction Predict(LaneDetector detector, InputPicture picture, TorchSharp.torch.Tensor image, ImageSize original, string output)
    {
        double[] rows = Rows(original);
        using DetectedLanes found = detector.Detect(image, original, rows);
        OverlayPainter.Paint(
            picture.Path,
            found.Lanes,
            rows,
            truth: null,
            Path.Combine(output, picture.OverlayName),
            new OverlayOptions
            {
                Mask = found.Mask,
                MaskSize = detector.Size,
                Upright = true,
                Caption = string.Create(CultureInfo.InvariantCulture, $"{Quantity.Format(found.Lanes.Count, "lane")} in {found.RunTimeMilliseconds:0} ms"),
            });
        return new TuSimplePrediction(picture.RawFile, [.. found.Lanes], found.RunTimeMilliseconds) { HSamples = rows };
    }

    private static void Tell(IAnsiConsole console, Predictions done, string output)
    {
        console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Quantity.Format(done.Found.Count, "picture")} with {Quantity.Format(done.Found.Sum(prediction => prediction.Lanes.Length), "lane")} and {PredictionFile} are in {output}; {done.Found.Average(prediction => prediction.RunTimeMilliseconds):0} ms per picture."));
        if (done.Turned > 0)
        {
            console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Quantity.Format(done.Turned, "picture")} {(done.Turned == 1 ? "was" : "were")} turned as the EXIF orientation says: lanes are in pixels of the turned picture."));
        }
    }

    private static int TellUnreadable(Predictions done, int pictures)
    {
        bool some = done.Found.Count > 0;
        string problem = string.Create(CultureInfo.InvariantCulture, $"{done.Unreadable.Count} of {Quantity.Format(pictures, "picture")} could not be read{(done.Unreadable.Count == 1 ? "" : ", the first one being")} ({done.Unreadable[0].Path})");
        return ConsoleOutput.Error(
            $"{problem}. Restore them or leave them out; {(some ? "the others are done" : "nothing was written")}.",
            some ? ExitCodes.SomeInputsUnusable : ExitCodes.BadUsage,
            done.Unreadable.Select(picture => picture.Reason));
    }

    // TuSimple's rows, 160 to 710 every 10 of 720, in proportion; a small picture has fewer.
    private static double[] Rows(ImageSize original) =>
    [
        .. Enumerable.Range(16, 56)
            .Select(tenth => Math.Min(original.Height - 1, Math.Round(tenth * 10.0 * original.Height / ImageSize.TuSimple.Height)))
            .Distinct(),
    ];

    private sealed class Predictions
    {
        public List<TuSimplePrediction> Found { get; } = [];

        public List<(string Path, string Reason)> Unreadable { get; } = [];

        public int Turned { get; set; }
    }
}
