using System.CommandLine;
using System.Globalization;
using System.Runtime.Intrinsics;
using Convoy.Cli.Evaluation;
using Convoy.Lanes;
using Convoy.Lanes.Checkpoints;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing;
using Convoy.Lanes.Evaluation;
using Spectre.Console;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy predict</c>: finds the lanes of any pictures.</summary>
internal static class PredictCommand
{
    private const string PredictionFile = "predictions.json";
    private static readonly string[] Endings = [".jpg", ".jpeg", ".png", ".webp", ".bmp"];

    public static Command Create()
    {
        var checkpoint = new Option<string>("--checkpoint") { Description = "A run directory (its newest checkpoint) or a checkpoint's folder.", Required = true, HelpName = "PATH" };
        var output = new Option<string>("--out") { Description = $"The folder for the pictures with lanes and {PredictionFile}; absent or empty.", Required = true, HelpName = "DIR" };
        var threads = new Option<int>("--threads") { Description = "libtorch's threads.", DefaultValueFactory = _ => Environment.ProcessorCount };
        Option<string> precision = DetectorPrecision.Option();
        var images = new Argument<string[]>("IMAGE-or-DIR") { Description = "Pictures, or folders of pictures.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("predict", "Finds the lanes of pictures: an overlay picture each, and their points in TuSimple's form.") { checkpoint, output, threads, precision, images };
        command.SetAction((parsed, interrupted) => Task.FromResult(Run(
            parsed.GetRequiredValue(checkpoint),
            parsed.GetRequiredValue(output),
            new EvaluationSettings(parsed.GetValue(threads), Vector512.IsHardwareAccelerated, DetectorPrecision.Named(parsed.GetRequiredValue(precision))),
            parsed.GetRequiredValue(images),
            interrupted)));
        return command;
    }

    private static int Run(string checkpointPath, string output, EvaluationSettings settings, string[] inputs, CancellationToken interrupted)
    {
        CommandLineChecks.Threads(settings.Threads);
        (string Path, string Name)[] images = WithOwnNames(inputs.SelectMany(ImagesIn));
        foreach ((string path, _) in images)
        {
            _ = ImageHeader.Read(path);
        }

        Checkpoint checkpoint = Checkpoint.Find(checkpointPath);
        OutputFolder.RequireEmpty(output);
        OutputFolder.RequireWritable(output);
        TorchSharp.torch.set_num_threads(settings.Threads);
        using LaneDetector detector = LaneDetector.Load(checkpoint, settings.ChannelsLast, settings.Dtype);
        using var reader = new ImageReader(detector.Size);
        Directory.CreateDirectory(output);
        IAnsiConsole console = ConsoleOutput.People();
        List<TuSimplePrediction> predictions = FrameProgress.Show(console, "Finding lanes", images.Length, progress =>
        {
            var found = new List<TuSimplePrediction>(images.Length);
            foreach ((string path, string name) in images)
            {
                interrupted.ThrowIfCancellationRequested();
                found.Add(Predict(detector, reader, path, name, output));
                progress?.Report(found.Count);
            }

            return found;
        });
        TuSimplePredictionFile.Write(Path.Combine(output, PredictionFile), predictions);
        console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{predictions.Count} pictures with {predictions.Sum(prediction => prediction.Lanes.Length)} lanes and {PredictionFile} are in {output}; a picture took {predictions.Average(prediction => prediction.RunTimeMilliseconds):0} ms."));
        return ExitCodes.Done;
    }

    private static TuSimplePrediction Predict(LaneDetector detector, ImageReader reader, string path, string name, string output)
    {
        using TorchSharp.torch.Tensor image = reader.ReadTensor(path, detector.ChannelsLast, out ImageSize original);
        double[] rows = Rows(original);
        using DetectedLanes found = detector.Detect(image, original, rows);
        OverlayPainter.Paint(
            path,
            found.Lanes,
            rows,
            truth: null,
            Path.Combine(output, OverlayName(name)),
            new OverlayOptions
            {
                Mask = found.Mask,
                MaskSize = detector.Size,
                Caption = string.Create(CultureInfo.InvariantCulture, $"{found.Lanes.Count} lanes in {found.RunTimeMilliseconds:0} ms"),
            });
        return new TuSimplePrediction(name.Replace(Path.DirectorySeparatorChar, '/'), [.. found.Lanes], found.RunTimeMilliseconds);
    }

    private static string OverlayName(string name) => Path.ChangeExtension(name.Replace(Path.DirectorySeparatorChar, '-'), ".jpg");

    // Two folders may hold pictures of one name, or one folder x.jpg and x.png: none may replace the other's overlay.
    private static (string Path, string Name)[] WithOwnNames(IEnumerable<(string Path, string Name)> images)
    {
        var taken = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var named = new List<(string, string)>();
        foreach ((string path, string name) in images)
        {
            string own = name;
            for (int copy = 2; !taken.Add(OverlayName(own)); copy++)
            {
                own = Path.ChangeExtension(name, null) + string.Create(CultureInfo.InvariantCulture, $"-{copy}") + Path.GetExtension(name);
            }

            named.Add((path, own));
        }

        return [.. named];
    }

    // TuSimple's rows, 160 to 710 every 10 of 720, in proportion.
    private static double[] Rows(ImageSize original) =>
        [.. Enumerable.Range(16, 56).Select(tenth => Math.Round(tenth * 10.0 * original.Height / ImageSize.TuSimple.Height))];

    private static IEnumerable<(string Path, string Name)> ImagesIn(string input)
    {
        if (File.Exists(input))
        {
            return [(input, Path.GetFileName(input))];
        }

        if (!Directory.Exists(input))
        {
            throw new BadInputException("no such picture or folder", input, "Check the path.");
        }

        (string Path, string Name)[] found =
        [
            .. Directory.EnumerateFiles(input, "*", SearchOption.AllDirectories)
                .Where(file => Endings.Contains(Path.GetExtension(file), StringComparer.OrdinalIgnoreCase))
                .Order(StringComparer.Ordinal)
                .Select(file => (file, Path.GetRelativePath(input, file))),
        ];
        return found.Length > 0 ? found : throw new BadInputException("no pictures in the folder", input, $"Give a folder with {string.Join(", ", Endings)} files.");
    }
}
