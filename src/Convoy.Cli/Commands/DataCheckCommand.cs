using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Convoy.Lanes.Data;
using Convoy.Training.Programs;
using Spectre.Console;

namespace Convoy.Cli.Commands;

/// <summary><c>convoy data check</c>: counts what a data set holds and names every unusable file.</summary>
internal static class DataCheckCommand
{
    private const int MostProblemsShown = 20;

    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public static Command Create()
    {
        var directory = new Argument<string>("DIR")
        {
            Description = "The data set: a folder in TuSimple's layout, or one label file.",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document on standard output." };
        var command = new Command("check", "Read labels and images, count frames and lanes, find missing and broken files. Changes nothing.")
        {
            directory,
            json,
        };
        command.SetAction((parsed, cancellation) => Task.FromResult(Run(parsed.GetRequiredValue(directory), parsed.GetValue(json), cancellation)));
        return command;
    }

    private static int Run(string directory, bool json, CancellationToken cancellation)
    {
        DatasetCheck check = DatasetCheck.Run(directory, cancellation);
        if (json)
        {
            WriteJson(check);
        }
        else
        {
            WriteTable(check);
        }

        if (check.IsSound)
        {
            return ExitCodes.Done;
        }

        return ConsoleOutput.Error(Summary(check), ExitCodes.BadUsage);
    }

    private static string Summary(DatasetCheck check)
    {
        if (check.Missing + check.Broken > 0)
        {
            string first = check.Problems.First(problem => problem.Kind is DatasetProblemKind.Missing or DatasetProblemKind.Broken).File;
            string problem = string.Create(CultureInfo.InvariantCulture, $"the data set has {check.Missing} missing and {check.Broken} broken files{(check.Missing + check.Broken == 1 ? "" : ", the first one being")} ({first})");
            return $"{problem}. {MissingFile.Remedy(first, "Restore the files or remove their labels.")}";
        }

        string others = check.Problems.Count == 1 ? "" : $"{Number(check.Problems.Count)} labels cannot be used; the first problem: ";
        return others + check.Problems[0].Reason;
    }

    private static void WriteJson(DatasetCheck check)
    {
        using (Stream output = Console.OpenStandardOutput())
        using (var writer = new Utf8JsonWriter(output, Indented))
        {
            writer.WriteStartObject();
            writer.WriteString("root", check.Root);
            WriteTexts(writer, "label_files", check.LabelFiles);
            writer.WriteBoolean("sound", check.IsSound);
            writer.WriteNumber("frames", check.Frames);
            writer.WriteNumber("masks", check.Masks);
            writer.WriteNumber("lanes", check.Lanes);
            writer.WriteNumber("empty_lanes", check.EmptyLanes);
            writer.WriteStartObject("lanes_per_frame");
            foreach ((int lanes, int frames) in check.LanesPerFrame)
            {
                writer.WriteNumber(lanes.ToString(CultureInfo.InvariantCulture), frames);
            }

            writer.WriteEndObject();
            writer.WriteStartObject("image_sizes");
            foreach ((ImageSize size, int images) in check.ImageSizes)
            {
                writer.WriteNumber(size.ToString(), images);
            }

            writer.WriteEndObject();
            writer.WriteNumber("points", check.Points);
            writer.WriteNumber("points_outside", check.PointsOutside);
            writer.WriteNumber("missing", check.Missing);
            writer.WriteNumber("broken", check.Broken);
            writer.WriteNumber("misfits", check.Misfits);
            writer.WriteStartArray("repeated");
            foreach (RepeatedFrame frame in check.Repeated)
            {
                writer.WriteStartObject();
                writer.WriteString("file", frame.ImagePath);
                writer.WriteString("first", frame.First);
                writer.WriteString("again", frame.Again);
                writer.WriteBoolean("same", frame.IsSame);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            WriteTexts(writer, "exif_orientation", check.Turned);
            WriteTexts(writer, "remarks", check.Remarks);
            writer.WriteStartArray("problems");
            foreach (DatasetProblem problem in check.Problems)
            {
                writer.WriteStartObject();
                writer.WriteString("file", problem.File);
                writer.WriteString("kind", problem.Kind.ToString().ToLowerInvariant());
                writer.WriteString("reason", problem.Reason);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        Console.Out.WriteLine();
    }

    private static void WriteTexts(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (string text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }

    private static void WriteTable(DatasetCheck check)
    {
        IAnsiConsole console = ConsoleOutput.People();
        Table table = new Table().Border(TableBorder.Rounded).HideHeaders().AddColumn("what").AddColumn("value");
        Row("data set", check.Root);
        Row("label files", string.Join(Environment.NewLine, check.LabelFiles.Select(file => Path.GetRelativePath(check.Root, file))));
        Row("frames", Number(check.Frames));
        if (check.Masks > 0)
        {
            Row("with masks", Number(check.Masks));
        }

        Row("lanes", check.EmptyLanes == 0 ? Number(check.Lanes) : $"{Number(check.Lanes)}, and {Number(check.EmptyLanes)} without a point");
        Row("lanes per frame", string.Join(", ", check.LanesPerFrame.Select(pair => $"{Number(pair.Key)} in {Number(pair.Value)}")));
        Row("image sizes", string.Join(", ", check.ImageSizes.Select(pair => $"{pair.Key} in {Number(pair.Value)}")));
        Row("points", check.PointsOutside == 0 ? Number(check.Points) : $"{Number(check.Points)}, {Number(check.PointsOutside)} of them outside their image");
        Row("missing files", Number(check.Missing));
        Row("broken files", Number(check.Broken));
        console.Write(table);
        foreach (RepeatedFrame frame in check.Repeated.Where(frame => frame.IsSame).Take(MostProblemsShown))
        {
            console.WriteLine($"a frame is labelled twice in the same way and counts once ({frame.ImagePath}: {frame.First} and {frame.Again})");
        }

        foreach (string remark in check.Remarks)
        {
            console.WriteLine(remark);
        }

        foreach (DatasetProblem problem in check.Problems.Take(MostProblemsShown))
        {
            console.WriteLine(problem.Reason);
        }

        if (check.Problems.Count > MostProblemsShown)
        {
            console.WriteLine($"and {Number(check.Problems.Count - MostProblemsShown)} more: --json lists all.");
        }

        void Row(string name, string value) => table.AddRow(Markup.Escape(name), Markup.Escape(value));
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
