using System.Text;
using Convoy.Analysis.Plots;
using Convoy.Analysis.Reading;
using Convoy.Analysis.Rendering;
using Convoy.Analysis.Rendering.Charts;
using Convoy.Analysis.Rendering.Html;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Scaling;

namespace Convoy.Analysis.Tests.Reading;

/// <summary>Damaged files: refused in Convoy's own words, or a report of finite numbers.</summary>
public sealed class HostileInputTests : IDisposable
{
    private const string Step = """{"timestamp":"2026-01-01T00:00:00+00:00","rank":0,"step":1,"loss":1.5,"batch_size":2,"learning_rate":0.1,"elapsed_time":1.5,"step_time":1.25,"data_time":0.1,"forward_time":0.3,"backward_time":0.5,"comm_time":0.1,"wait_time":0.1,"optimizer_time":0.1,"world_size":1,"threads":1}""";
    private const string Host = """{"operating_system":"x","architecture":"x","cpu_model":"x","physical_cores":1,"logical_cores":1,"usable_cores":1,"instruction_sets":["avx2"],"last_level_cache_bytes":1,"memory_total_bytes":1,"memory_available_bytes":1,"versions":{"dotnet":"10"}}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("\"metrics\":[STEP]", "\"metrics\":[STEP,null]", "record 2")]
    [InlineData("\"metrics\":[STEP]", "\"metrics\":null", "metrics")]
    [InlineData("\"metrics\":[STEP]", "\"metrics\":[{}]", "line 1")]
    [InlineData("[\"avx2\"]", "null", "a value is null where there must be one (", "line 1, $.host.instruction_sets)")]
    [InlineData("[\"avx2\"]", "[null]", "\"host\" holds a null")]
    [InlineData("{\"dotnet\":\"10\"}", "{\"dotnet\":null}", "\"host\" holds a null")]
    [InlineData("\"operating_system\":\"x\"", "\"operating_system\":null", "operating_system")]
    [InlineData("\"nproc\":1", "\"nproc\":1,\"nproc\":2", "a name occurs twice in one object", "nproc")]
    [InlineData("\"rank\":0", "\"rank\":0,\"rank\":1", "a name occurs twice in one object", "rank")]
    [InlineData("\"data\":\"d\"", "\"data\":\"\\ud800\"", "a text holds half of a character (\\ud800, ", "line 1")]
    [InlineData("\"data\":\"d\"", "\"\\udc00\":\"d\"", "a text holds half of a character (\\udc00, ")]
    [InlineData("\"start_time\":\"2026-01-01T00:00:00+00:00\"", "\"start_time\":-9e10", "start_time")]
    [InlineData("\"step_time\":1.25", "\"step_time\":1e-308", "step_time must be from 1e-9 to 1e10 seconds (got 1E-308, ", "record 1")]
    [InlineData("\"step_time\":1.25", "\"step_time\":1e308", "step_time must be from 1e-9 to 1e10 seconds (got 1E+308, ", "record 1")]
    [InlineData("\"forward_time\":0.3", "\"forward_time\":\"NaN\"", "forward_time must be from 0 to 1e10 seconds (got NaN, ", "record 1")]
    [InlineData("\"world_size\":1", "\"world_size\":0", "world_size must be from 1 to 1000000 (got 0, ", "record 1")]
    [InlineData("\"precision\":\"fp32\"", "\"precision\":\"\"", "precision must be a name (got '', ")]
    [InlineData("\"world_size\":1", "\"cpu_time\":-1", "cpu_time must be from 0 to 1e10 seconds (got -1, ", "record 1")]
    [InlineData("\"world_size\":1", "\"peak_memory_bytes\":-1", "peak_memory_bytes must be at least 0 (got -1, ", "record 1")]
    [InlineData("\"world_size\":1", "\"context_switches\":{\"voluntary\":1,\"involuntary\":-2}", "involuntary must be at least 0 (got -2, ", "record 1")]
    [InlineData("\"world_size\":1", "\"counters\":{\"cache_misses\":-3}", "cache_misses must be at least 0 (got -3, ", "record 1")]
    [InlineData("\"metrics\":[", "\"flops_per_sample\":\"NaN\",\"metrics\":[", "flops_per_sample must be above 0 and at most 1e24 (got NaN, ")]
    [InlineData("[\"avx2\"]", "[\"avx2\"],\"matrix_peaks\":[null]", "\"host\" holds a null")]
    [InlineData("[\"avx2\"]", "[\"avx2\"],\"matrix_peaks\":[{\"precision\":\"fp32\",\"threads\":1,\"gigaflops_per_second\":0}]", "gigaflops_per_second must be above 0 and at most 1e12 (got 0, ")]
    [InlineData("[\"avx2\"]", "[\"avx2\"],\"matrix_peaks\":[{\"precision\":\"fp32\",\"threads\":0,\"gigaflops_per_second\":9}]", "threads of a matrix peak must be from 1 to 1000000 (got 0, ")]
    [InlineData("[\"avx2\"]", "[\"avx2\"],\"matrix_peaks\":[{\"threads\":1,\"gigaflops_per_second\":9}]", "\"host\" holds a null")]
    public void Read_OfDamageToARun_IsRefusedWithItsPlace(string from, string to, params string[] parts)
    {
        string path = _folder.Write("metrics.json", Run().Replace(from.Replace("STEP", Step, StringComparison.Ordinal), to.Replace("STEP", Step, StringComparison.Ordinal), StringComparison.Ordinal));
        Assert.NotEqual(Run(), File.ReadAllText(path));

        string message = Assert.Throws<AnalysisInputException>(() => RunReader.Read([path])).Message;

        Assert.All([path, .. parts], part => Assert.Contains(part, message, StringComparison.Ordinal));
        Assert.True(message.Length < 600, message);
    }

    [Theory]
    [InlineData("""{"start_time":-9e10,"end_time":5,"metrics":[]}""", "\"start_time\" is not a time (-9e10, ")]
    [InlineData("""{"start_time":0,"end_time":1e300,"metrics":[]}""", "\"end_time\" is not a time (1e300, ")]
    [InlineData("""{"start_time":0,"end_time":100000000000,"metrics":[]}""", "end_time - start_time must be from 1e-9 to 1e10 seconds (got 100000000000, ")]
    [InlineData("""{"metrics":[null]}""", "a record of \"metrics\" is not an object", "record 1")]
    [InlineData("""{"metrics":[{"step":1e300}]}""", "\"step\" must be a whole number from 0 (got 1E+300, ", "record 1")]
    [InlineData("""{"metrics":[{"step":1,"elapsed_time":1},{"step":2,"elapsed_time":1.0000000000001}]}""", "elapsed_time does not grow")]
    [InlineData("""{"metrics":[{"step":1,"step":2}]}""", "a name occurs twice in one object", "step")]
    [InlineData("""{"metrics":[{"loss":"\ud800"}]}""", "a text holds half of a character")]
    public void Read_OfDamageToAnotherToolsFile_IsRefusedWithItsPlace(string text, params string[] parts)
    {
        string path = _folder.Write("Metrics_2_cpus.json", text);

        string message = Assert.Throws<AnalysisInputException>(() => RunReader.Read([path])).Message;

        Assert.All([path, .. parts], part => Assert.Contains(part, message, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_OfABackslashBeforeAU_IsNoHalfCharacter()
    {
        string path = _folder.Write("metrics.json", Run().Replace("\"data\":\"d\"", "\"data\":\"C:\\\\ud800\\ud83d\\ude00\"", StringComparison.Ordinal));

        Assert.Equal("C:\\ud800\U0001F600", RunReader.Read([path]).Runs[0].Settings["data"]);
    }

    [Theory]
    [InlineData("metrics.json", 1)]
    [InlineData("Metrics_2_cpus.json", 2)]
    [InlineData("t.csv", 3)]
    [InlineData("u.csv", 4)]
    public void Report_OfDamagedFiles_IsRefusedInConvoysWordsOrFinite(string name, int seed)
    {
        string steps = string.Join(',', Enumerable.Range(1, 8).Select(i => Step.Replace("\"step\":1", $"\"step\":{i}", StringComparison.Ordinal).Replace("\"world_size\":1", $"\"world_size\":{(i < 4 ? 2 : i < 7 ? 1 : 3)}", StringComparison.Ordinal)));
        string whole = name switch
        {
            "metrics.json" => Run().Replace(Step, steps, StringComparison.Ordinal),
            "t.csv" => "processes;seconds;precision;note\n1;100,5;FP32;a\n2;55,2;fp32;b\n4;31,1;float32;c\n8;20,4;bf16;d\n1;80;bf16;e\n",
            "u.csv" => "n,images/s,batch size\n1,10,8\n2,19,8\n4,34.5,8\n8,50,8\n",
            _ => """{"start_time":1e9,"end_time":1000000200,"metrics":[{"rank":0,"step":1,"loss":NaN,"batch_size":8,"elapsed_time":3.5},{"step":5,"loss":-Infinity,"batch_size":8,"elapsed_time":7.5},{"step":9,"loss":0.1,"batch_size":8,"elapsed_time":12}]}""",
        };
        var random = new Random(seed);
        int read = 0;
        for (int i = 0; i < 400; i++)
        {
            string path = Path.Combine(_folder.Path, name);
            File.WriteAllBytes(path, i == 0 ? Encoding.UTF8.GetBytes(whole) : Mutant.Of(whole, random));
            try
            {
                RequireFinite(ReportBuilder.Build(RunReader.Read([path]), new ReportOptions { Predict = [8, 1000], Link = new Link(10, 5), GradientBytes = 1e8, PricePerProcessHour = 1 }));
                read++;
            }
            catch (AnalysisInputException error)
            {
                Assert.True(error.Message.Length < 2000, error.Message);
            }
        }

        Assert.InRange(read, 10, 390);
    }

    [Fact]
    public void Report_OfTimesAtTheEndsOfWhatIsPlausible_IsFinite()
    {
        var random = new Random(7);
        for (int i = 0; i < 100; i++)
        {
            string lines = string.Join('\n', Enumerable.Range(1, random.Next(2, 7)).Select(_ => FormattableString.Invariant($"{(int)Math.Pow(10, random.NextDouble() * 6)},{Math.Pow(10, (random.NextDouble() * 18.9) - 8.9)}")));
            RequireFinite(ReportBuilder.Build(RunReader.Read([_folder.Write("t.csv", lines)]), new ReportOptions { Predict = [1, 8, 1_000_000], PricePerProcessHour = 1e12 }));
        }
    }

    [Fact]
    public void Report_OfATableOfAThousandNumbersOfProcesses_FitsEachModelToAPartOfThem()
    {
        // Amdahl's law with a serial share of a tenth: however many points are left out at once, it foretells them exactly.
        string lines = string.Join('\n', Enumerable.Range(1, 1000).Select(n => FormattableString.Invariant($"{n},{10 * (0.1 + (0.9 / n)):R}")));

        ModelAssessment amdahl = ReportBuilder.Build(RunReader.Read([_folder.Write("t.csv", lines)]), new ReportOptions()).Series[0].Models.Assessments.Single(a => a.Fit.Model is AmdahlModel);

        Assert.Equal(0.1, amdahl.Fit.Parameters["serial_fraction"], 1e-9);
        Assert.InRange(amdahl.LeaveOneOutError!.Value, 0, 1e-9);
    }

    [Theory]
    [InlineData("1.7e308", "-1.7e308")]
    [InlineData("5e-324", "\"NaN\"")]
    [InlineData("1e300", "1")]
    public void Report_OfAbsurdLosses_CountsTheTimes(string first, string second)
    {
        string steps = string.Join(',', Enumerable.Range(1, 6).Select(i => Step.Replace("\"step\":1", $"\"step\":{i}", StringComparison.Ordinal).Replace("\"loss\":1.5", $"\"loss\":{(i % 2 == 0 ? first : second)}", StringComparison.Ordinal)));
        Report report = ReportBuilder.Build(RunReader.Read([_folder.Write("metrics.json", Run().Replace(Step, steps, StringComparison.Ordinal))]), new ReportOptions());

        RequireFinite(report);
        Assert.Equal(1.25, report.Runs.Measurements[0].Seconds);
    }

    private static void RequireFinite(Report report)
    {
        IReportRenderer[] renderers = [new JsonReportRenderer(), new CsvReportRenderer(), new MarkdownReportRenderer(), new HtmlReportRenderer()];
        foreach (IReportRenderer renderer in renderers)
        {
            using var stream = new MemoryStream();
            renderer.Render(report, stream);
            if (renderer is JsonReportRenderer or CsvReportRenderer)
            {
                string text = Encoding.UTF8.GetString(stream.ToArray());
                Assert.DoesNotContain("NaN", text, StringComparison.Ordinal);
                Assert.DoesNotContain("Infinity", text, StringComparison.Ordinal);
            }
        }

        Assert.All(ReportCharts.Make(report), chart => Assert.NotEmpty(ChartSvg.File(chart)));
    }

    private static string Run() =>
        $$"""{"schema":1,"start_time":"2026-01-01T00:00:00+00:00","end_time":"2026-01-01T00:00:01+00:00","config":{"nproc":1,"precision":"fp32","data":"d"},"host":{{Host}},"metrics":[{{Step}}]}""";
}
