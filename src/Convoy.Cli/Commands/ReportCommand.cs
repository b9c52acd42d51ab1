using System.CommandLine;
using System.Globalization;
using Convoy.Analysis;
using Convoy.Analysis.Reading;
using Convoy.Analysis.Rendering;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Scaling;
using Convoy.Cli.Reports;
using Convoy.Training;
using Convoy.Training.Programs;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy report</c>: what measured runs say about scaling.</summary>
internal static class ReportCommand
{
    private const double BytesPerMegabyte = 1e6;
    private const double MostGradientMegabytes = 1e12;

    public static Command Create()
    {
        var paths = new Argument<string[]>("PATH")
        {
            Description = "Run directories, study directories, metrics files (also Metrics_{n}_cpus.json of other tools) and CSV tables, whose first line names the columns: processes and seconds, images/s or speedup, with a precision or none.",
            Arity = ArgumentArity.OneOrMore,
        };
        var output = new Option<string?>("--out") { Description = "The folder for report.html, .md, .json, .csv and plots/; may be the study's own. Without it the report is only printed.", HelpName = "DIR" };
        var predict = new Option<string?>("--predict") { Description = "Numbers of processes to predict, separated by commas, such as 8,16,32.", HelpName = "LIST" };
        var linkGbps = new Option<double?>("--link-gbps") { Description = "Predict also for a network of this speed, in 10^9 bits a second. Default: only the network that was measured on.", HelpName = "GBPS" };
        var latency = new Option<double?>("--latency-us") { Description = "That network's latency for one message, in microseconds (default: 0).", HelpName = "US" };
        var gradients = new Option<double?>("--gradient-mb") { Description = "Gradients that each process exchanges in a step, in 10^6 bytes (default: what the runs record).", HelpName = "MB" };
        var price = new Option<double?>("--price") { Description = "The price of one process for one hour, to give costs (default: no costs).", HelpName = "PRICE" };
        var images = new Option<int?>("--epoch-images") { Description = "Images of one epoch, for costs (default: costs of 1000 images).", HelpName = "N" };
        Option<bool> json = ConsoleOutput.JsonOption();
        var command = new Command("report", "Explains how measured runs scale: what limits them, what to expect of more processes, and which configuration to use.")
        {
            paths, output, predict, linkGbps, latency, gradients, price, images, json,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(paths),
            parsed.GetValue(output),
            () => Options(
                parsed.GetValue(predict),
                parsed.GetValue(linkGbps),
                parsed.GetValue(latency),
                parsed.GetValue(gradients),
                parsed.GetValue(price),
                parsed.GetValue(images)),
            parsed.GetValue(json)));
        return command;
    }

    private static int Run(IReadOnlyList<string> paths, string? folder, Func<ReportOptions> options, bool json)
    {
        Report report;
        try
        {
            ReportOptions asked = options();
            asked.Validate();
            report = ReportBuilder.Build(RunReader.Read(paths), asked);
        }
        catch (AnalysisInputException error)
        {
            throw new BadInputException(error.Message, error);
        }

        IReadOnlyList<string> written = folder is null ? [] : ReportFiles.Write(report, folder);
        if (json)
        {
            using Stream standardOutput = Console.OpenStandardOutput();
            new JsonReportRenderer().Render(report, standardOutput);
            standardOutput.Write("\n"u8);
        }
        else
        {
            Console.Out.Write(MarkdownReportRenderer.Text(report)); // as it is: a table must not be broken to the terminal's width
        }

        if (written.Count > 0)
        {
            (json ? Console.Error : Console.Out).WriteLine($"{(json ? "" : "\n")}report: {written[0]}");
        }

        return ExitCodes.Done;
    }

    private static ReportOptions Options(string? predict, double? linkGbps, double? latency, double? gradients, double? price, int? images)
    {
        if (latency is not null && linkGbps is null)
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--latency-us needs --link-gbps, the speed of the link (got --latency-us {latency} alone)."));
        }

        if (gradients is not (null or (> 0 and <= MostGradientMegabytes)))
        {
            throw new BadInputException(string.Create(CultureInfo.InvariantCulture, $"--gradient-mb must be above 0 and at most {MostGradientMegabytes:0e0} (got {gradients})."));
        }

        return new ReportOptions
        {
            Predict = predict is null ? [] : [.. predict.Split(',', StringSplitOptions.TrimEntries).Select(Number).Distinct()],
            Link = linkGbps is { } speed ? new Link(speed, latency ?? 0) : null,
            GradientBytes = gradients * BytesPerMegabyte,
            PricePerProcessHour = price,
            EpochSamples = images,
            NameOf = OptionOf,
        };
    }

    private static int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value)
        ? value
        : throw new BadInputException($"--predict must be whole numbers from 1, separated by commas (got {text}).");

    private static string OptionOf(string property) => property switch
    {
        nameof(ReportOptions.Predict) => "--predict",
        nameof(Link.GigabitsPerSecond) => "--link-gbps",
        nameof(Link.LatencyMicroseconds) => "--latency-us",
        nameof(ReportOptions.GradientBytes) => "--gradient-mb",
        nameof(ReportOptions.PricePerProcessHour) => "--price",
        nameof(ReportOptions.EpochSamples) => "--epoch-images",
        _ => property,
    };
}
