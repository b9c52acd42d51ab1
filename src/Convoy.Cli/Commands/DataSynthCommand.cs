using System.CommandLine;
using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;
using Convoy.Training.Programs;
using Spectre.Console;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy data synth</c>: draws a labelled data set.</summary>
internal static class DataSynthCommand
{
    public static Command Create()
    {
        var defaults = new SyntheticOptions();
        var output = new Option<string>("--out")
        {
            Description = "Directory for the data set; absent or empty.",
            HelpName = "DIR",
            Required = true,
        };
        var frames = new Option<int>("--frames")
        {
            Description = $"Number of frames, 1 to {SyntheticOptions.MostFrames}.",
            DefaultValueFactory = _ => defaults.Frames,
        };
        var seed = new Option<long>("--seed")
        {
            Description = "Fixes every picture and label: the same seed gives the same bytes.",
            DefaultValueFactory = _ => defaults.Seed,
        };
        var size = new Option<string>("--size")
        {
            Description = "Size of the pictures in pixels.",
            HelpName = "WIDTHxHEIGHT",
            DefaultValueFactory = _ => defaults.Size.ToString(),
        };
        var command = new Command(
            "synth",
            "Draw roads with lanes, cars, shadows, night and rain, exactly labelled, in TuSimple's layout and label format.")
        {
            output, frames, seed, size,
        };
        command.SetAction((parsed, cancellation) =>
        {
            string directory = parsed.GetRequiredValue(output);
            var options = new SyntheticOptions
            {
                Frames = parsed.GetValue(frames),
                Seed = parsed.GetValue(seed),
                Size = ImageSize.Parse(parsed.GetRequiredValue(size)),
            };
            IAnsiConsole console = ConsoleOutput.People();
            IReadOnlyList<TuSimpleLabel> labels = FrameProgress.Show(
                console, "Drawing", options.Frames, progress => SyntheticDataset.Write(directory, options, progress, cancellation));
            int lanes = labels.Sum(label => label.Lanes.Length);
            console.WriteLine($"{labels.Count} frames of {options.Size} with {lanes} lanes drawn in {directory} (seed {options.Seed}).");
            console.WriteLine($"Train on them: convoy train --data {directory}");
            return Task.FromResult(ExitCodes.Done);
        });
        return command;
    }
}
