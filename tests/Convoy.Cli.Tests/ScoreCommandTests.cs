using System.Diagnostics;
using System.Text.Json;

namespace Convoy.Cli.Tests;

/// <summary>The verb as its users meet it: the program in a process of its own.</summary>
public sealed class ScoreCommandTests : IDisposable
{
    private const string Label = """{"lanes":[[500,510,520]],"h_samples":[100,110,120],"raw_file":"a.jpg"}""";
    private const string Prediction = """{"raw_file":"a.jpg","lanes":[[500,510,590]],"run_time":300}""";

    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Score_Json_IsTheBenchmarksDocumentAlone()
    {
        (int code, string output, string error) = Run("--pred", Write("p.json", Prediction), "--gt", Write("g.json", Label), "--no-time-rule", "--json");
        Assert.Equal((0, ""), (code, error));
        Assert.Equal("""[{"name":"Accuracy","value":0.6666666666666666,"order":"desc"},{"name":"FP","value":1,"order":"asc"},{"name":"FN","value":1,"order":"asc"}]""", output.TrimEnd());
    }

    [Fact]
    public void Score_Table_ShowsTheNumbersAndTheTimeRule()
    {
        string csv = Path.Combine(_folder, "frames.csv");
        (int code, string output, _) = Run("--pred", Write("p.json", Prediction), "--gt", Write("g.json", Label), "--per-frame", csv);
        Assert.Equal(0, code);
        Assert.Matches(@"Accuracy\s+0\.0000\s+higher", output);
        Assert.Contains("1 took over 200 ms and scored 0", output, StringComparison.Ordinal);
        Assert.Equal("a.jpg,0,0,1,1,1,300,too_slow", File.ReadAllLines(csv)[1]);
    }

    [Fact]
    public void Score_AFrameTwiceInPlaceOfAnother_KeepsTheNumberAndSaysWhatIsTwiceAndMissing()
    {
        string labels = Write("g.json", $"{Label}\n{Label.Replace("a.jpg", "b.jpg", StringComparison.Ordinal)}\n");
        string predictions = Write("p.json", $"{Prediction}\n{Prediction}\n");

        (int code, string output, string error) = Run("--pred", predictions, "--gt", labels, "--no-time-rule");
        (_, string json, _) = Run("--pred", predictions, "--gt", labels, "--no-time-rule", "--json");

        Assert.Equal((0, ""), (code, error));
        Assert.Matches(@"Accuracy\s+0\.6667", output);
        Assert.EndsWith("1 frame is predicted more than once, first a.jpg\n1 labelled frame has no prediction, first b.jpg\n", output, StringComparison.Ordinal);
        Assert.EndsWith("""{"name":"FramesPredictedTwice","value":1,"order":"asc","first":"a.jpg"},{"name":"FramesWithoutPrediction","value":1,"order":"asc","first":"b.jpg"}]""" + "\n", json, StringComparison.Ordinal);
    }

    [Fact]
    public void Score_LabelLaneWithoutAPoint_IsSaidBesideTheBenchmarksNumber()
    {
        string labels = Write("g.json", Label.Replace("[[500,510,520]]", "[[500,510,520],[-2,-2,-2]]", StringComparison.Ordinal));
        string predictions = Write("p.json", """{"raw_file":"a.jpg","lanes":[[500,510,520]]}""");

        (int code, string output, _) = Run("--pred", predictions, "--gt", labels, "--no-time-rule");

        Assert.Equal(0, code);
        Assert.Matches(@"Accuracy\s+0\.5000", output);
        Assert.EndsWith("1 label lane has no point, and 1 counts as missed, first in a.jpg; without such lanes accuracy 1.0000, FP 0.0000, FN 0.0000\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "there must be one prediction for each label")]
    [InlineData("""{"raw_file":"a.jpg","lanes":[[500,510,5""", "p.json, line 1")]
    [InlineData("""{"raw_file":"a.jpg","lanes":[[500,510]],"run_time":1}""", "lane 1 has 2 values for 3 rows")]
    [InlineData("""{"raw_file":"b.jpg","lanes":[],"run_time":1}""", "line 1: b.jpg")]
    [InlineData("""{"raw_file":"a.jpg","lanes":[]}""", "lacks run_time")]
    public void Score_BadPredictions_EndsWith2AndLeavesTheCsv(string prediction, string message)
    {
        string csv = Write("frames.csv", "earlier");
        (int code, string output, string error) = Run("--pred", Write("p.json", prediction), "--gt", Write("g.json", Label), "--per-frame", csv);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith("convoy: error: ", error, StringComparison.Ordinal);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
        Assert.Equal("earlier", File.ReadAllText(csv));
    }

    [Fact]
    public void Score_BadArguments_EndsWith2()
    {
        string predictions = Write("p.json", Prediction);
        string labels = Write("g.json", Label);
        Assert.Equal(2, Run("--pred", Path.Combine(_folder, "absent"), "--gt", labels).Code);
        Assert.Equal(2, Run("--pred", predictions, "--gt", Path.Combine(_folder, "absent")).Code);
        Assert.Equal(2, Run("--pred", predictions, "--gt", Write("cut.json", Label[..30])).Code);
        Assert.Equal(2, Run("--pred", predictions).Code);
        Assert.Equal(2, Run("--pred", predictions, "--gt", labels, "--per-frame", Path.Combine(_folder, "no", "x.csv")).Code);
        Assert.Equal(2, Run("--pred", predictions, "--gt", labels, "--per-frame", labels).Code);
        Assert.Equal(Label, File.ReadAllText(labels));
    }

    [Fact]
    public void Score_BenchmarksBaseline_GivesTheOfficialNumbers()
    {
        string? data = Environment.GetEnvironmentVariable("CONVOY_TEST_DATA") is { Length: > 0 } named ? named : Find();
        Assert.SkipWhen(data is null, "The real data is not in ../shared/data or $CONVOY_TEST_DATA.");
        (int code, string output, _) = Run(
            "--pred", Path.Combine(data!, "predictions", "test_baseline.json"), "--gt", Path.Combine(data!, "tusimple", "labels", "test_label.json"), "--json");

        Assert.Equal(0, code);
        double[] values = [.. JsonDocument.Parse(output).RootElement.EnumerateArray().Select(entry => entry.GetProperty("value").GetDouble())];
        Assert.Equal(0.6534754672897194, values[0], 1e-9);
        Assert.Equal(0.6965312724658519, values[1], 1e-9);
        Assert.Equal(0.647705487658762, values[2], 1e-9);
    }

    private static string? Find()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine(folder.FullName, "shared", "data");
            if (Directory.Exists(Path.Combine(candidate, "predictions")))
            {
                return candidate;
            }
        }

        return null;
    }

    private static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "convoy.dll");
        var start = new ProcessStartInfo("dotnet", [program, "score", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
