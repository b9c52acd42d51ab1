using System.CommandLine;
using System.Globalization;
using Convoy.Cli.Benchmarks.Convolutions;
using Convoy.Training;
using Convoy.Training.Programs;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy bench convolution</c>: what each kernel takes for a convolution of given sizes, and how exact it is.</summary>
internal static class BenchConvolutionCommand
{
    private const string Auto = "auto";

    public static Command Create()
    {
        var input = new Option<string>("--input") { Description = "The input of one process, batch x channels x height x width.", HelpName = "NxCxHxW", Required = true };
        var outChannels = new Option<int>("--out-channels") { Description = "Channels of the result.", Required = true };
        var kernel = new Option<string>("--kernel") { Description = "The filters' size: one number, or height x width.", DefaultValueFactory = _ => "3", HelpName = "HxW" };
        var stride = new Option<string>("--stride") { Description = "The same for the stride.", DefaultValueFactory = _ => "1", HelpName = "HxW" };
        var padding = new Option<string>("--padding") { Description = "The same for the zeros on each side.", DefaultValueFactory = _ => "1", HelpName = "HxW" };
        var precisions = new Option<string>("--precision") { Description = $"{string.Join(", ", ConvolutionSettings.Types.Keys)}.", DefaultValueFactory = _ => string.Join(',', ConvolutionSettings.Types.Keys), HelpName = "LIST" };
        var processes = new Option<int>("--nproc") { Description = "Processes that compute it at the same time.", DefaultValueFactory = _ => 1 };
        var threads = new Option<string>("--threads") { Description = "libtorch's threads in each process, or auto for cores / processes.", DefaultValueFactory = _ => Auto };
        var repeats = new Option<int>("--repeats") { Description = "Calls of each kernel that count; the kernels take turns.", DefaultValueFactory = _ => 9 };
        Option<bool> json = ConsoleOutput.JsonOption();
        var command = new Command("convolution", "Measures what each kernel takes for a convolution of given sizes, forward and for both gradients, how exact it is, and which one is chosen.")
        {
            input, outChannels, kernel, stride, padding, precisions, processes, threads, repeats, json,
        };
        command.SetAction(async (parsed, interrupted) =>
        {
            var settings = new ConvolutionSettings(
                ConvolutionSettings.ReadShape(parsed.GetRequiredValue(input), parsed.GetRequiredValue(outChannels), parsed.GetRequiredValue(kernel), parsed.GetRequiredValue(stride), parsed.GetRequiredValue(padding)),
                parsed.GetRequiredValue(precisions).Split(',', StringSplitOptions.TrimEntries),
                parsed.GetValue(processes),
                Threads(parsed.GetRequiredValue(threads), parsed.GetValue(processes)),
                parsed.GetValue(repeats));
            settings.Check();
            ConvolutionReport report = await ConvolutionBenchmark.RunAsync(settings, interrupted);
            if (parsed.GetValue(json))
            {
                ConsoleOutput.Json(report);
            }
            else
            {
                ConvolutionReportTable.Print(report, ConsoleOutput.People());
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static int Threads(string text, int processes) =>
        text == Auto ? Math.Max(1, Environment.ProcessorCount / Math.Max(1, processes))
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int threads) ? threads
        : throw new BadInputException($"--threads must be a whole number, or {Auto} (got {BadInputException.Excerpt(text)}).");
}
