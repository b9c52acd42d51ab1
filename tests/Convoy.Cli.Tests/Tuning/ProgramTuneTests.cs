using System.Text.Json;

namespace Convoy.Cli.Tests.Tuning;

/// <summary><c>convoy tune</c> with programs that know nothing of Convoy: shell scripts, whose steps say what they are told to say.</summary>
public sealed class ProgramTuneTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("convoy-tuning-").FullName;

    public ProgramTuneTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a POSIX shell.");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Tune_ScriptThatWritesSteps_IsMeasuredByThem()
    {
        string script = Script(Steps("0.$((30 / WORLD_SIZE))"));

        (JsonElement report, string said) = await TuneAsync("--nproc", "1,2", "--threads", "1", "--steps", "6", "--", "sh", script, "--depth", "3");

        Assert.Equal(["convoy", "launch", "--no-store", "--nproc", "2", "--threads", "1", "--", "sh", script, "--depth", "3"], report.GetProperty("command").EnumerateArray().Select(word => word.GetString()));
        Assert.Equal(8 / 0.15, report.GetProperty("samples_per_second").GetDouble(), 1e-6);
        Assert.True(report.GetProperty("by_steps").GetBoolean());
        Assert.Equal("book", report.GetProperty("sample_noun").GetString());
        Assert.Equal([2, 1], report.GetProperty("candidates").EnumerateArray().Select(c => c.GetProperty("nproc").GetInt32()));
        Assert.All(report.GetProperty("candidates").EnumerateArray(), c => Assert.Equal(8 / (c.GetProperty("nproc").GetInt32() == 2 ? 0.15 : 0.3), c.GetProperty("samples_per_second").GetDouble(), 1e-6));
        Assert.Contains("Best: 2 x 1: 53.33 books/s", said, StringComparison.Ordinal);
        Assert.Contains($"Run it so: convoy launch --no-store --nproc 2 --threads 1 -- sh {script} --depth 3", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tune_PrecisionsThatAreListed_AreTold()
    {
        string script = Script($"[ \"$CONVOY_PRECISION\" = bf16 ] && SLOW=1 || SLOW=3\n{Steps("0.$((10 * SLOW))")}");

        (JsonElement report, _) = await TuneAsync("--nproc", "1", "--threads", "1", "--precision", "fp32,bf16", "--steps", "4", "--", "sh", script);

        Assert.Equal(["--precision", "bf16"], report.GetProperty("command").EnumerateArray().Select(word => word.GetString()).SkipWhile(word => word != "--precision").Take(2));
    }

    [Fact]
    public async Task Tune_MoreMemoryThanThereMayBe_IsNotChosen()
    {
        // Two processes are twice as fast, and take 1 GiB each.
        string script = Script(Steps("0.$((30 / WORLD_SIZE))", """, \"peak_memory_bytes\": 1073741824"""));

        (JsonElement report, _) = await TuneAsync("--nproc", "1,2", "--threads", "1", "--steps", "4", "--memory-limit", "1.5", "--", "sh", script);

        Assert.Equal("1", report.GetProperty("command").EnumerateArray().Select(word => word.GetString()).SkipWhile(word => word != "--nproc").ElementAt(1));
        Assert.Equal(1L << 30, report.GetProperty("peak_memory_bytes").GetInt64());
        Assert.Equal("OverMemory", report.GetProperty("candidates").EnumerateArray().Single(c => c.GetProperty("nproc").GetInt32() == 2).GetProperty("end").GetString());
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData("--strong", "sleep $((4 / WORLD_SIZE))")]
    [InlineData("--weak", "sleep 2")]
    public async Task Tune_ScriptThatWritesNothing_IsComparedByItsRunsAndWhatItsUserSaysOfThem(string work, string script)
    {
        Repetitions.RequireAllUnless(work == "--strong");
        (JsonElement report, string said) = await TuneAsync(work, "--nproc", "1,2", "--threads", "1", "--budget-seconds", "20", "--", "sh", Script(script));

        Assert.Equal("2", report.GetProperty("command").EnumerateArray().Select(word => word.GetString()).SkipWhile(word => word != "--nproc").ElementAt(1));
        Assert.False(report.GetProperty("by_steps").GetBoolean());
        Assert.Contains(" runs/s", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tune_ScriptThatFails_SaysWhatItSaidLast()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync("tune", "--nproc", "1", "--threads", "1", "--budget-seconds", "10", "--", "sh", Script("echo out of luck >&2; exit 3"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("no configuration could be measured (10 s). ", run.Error, StringComparison.Ordinal);
        Assert.Contains("exited with code 3: out of luck", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("the program writes no steps, and the time of its runs alone does not compare numbers of processes (1, 2). Give --strong when all its processes share the same work, --weak when each does the same, or one --nproc.", "--nproc", "1,2")]
    [InlineData("two options contradict each other (--strong --weak). Give one of them.", "--strong", "--weak")]
    [InlineData("a setting of tasks with a program that has none (batch_size). Leave it out; options of your program stand behind it, after --.", "--batch-size", "8")]
    [InlineData("an option of tasks with a program that has none (--effective-batch). Leave it out; options of your program stand behind it, after --.", "--effective-batch", "8")]
    [InlineData("--steps must be at least 1 and at most 1000000 (got 0).", "--steps", "0")]
    [InlineData("--nproc must be at least 1 and at most 1024 (got 0).", "--nproc", "0,1")]
    [InlineData("--nproc must be whole numbers, separated by commas (got two).", "--nproc", "two")]
    public async Task Tune_BadInput_IsRefused(string expected, params string[] options)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(["tune", "--budget-seconds", "10", .. options, "--", "sh", Script("exit 0")]);

        Assert.Equal(2, run.ExitCode);
        Assert.Equal($"convoy: error: {expected}", run.Error.TrimEnd().Split('\n')[^1]);
    }

    [Fact]
    public async Task Tune_OptionOfProgramsWithATask_IsRefused()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync("tune", "--weak");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("an option of programs without a task (--weak)", run.Error, StringComparison.Ordinal);
    }

    private static async Task<(JsonElement Report, string Said)> TuneAsync(params string[] arguments)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(["tune", "--budget-seconds", "15", "--json", .. arguments]);

        Assert.True(run.ExitCode == 0, run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        return (document.RootElement.Clone(), run.Error);
    }

    private string Script(string text)
    {
        string path = Path.Combine(_root, "train.sh");
        File.WriteAllText(path, text + "\n");
        return path;
    }

    private static string Steps(string seconds, string more = "") =>
        $$"""
        i=1
        while [ $i -le $CONVOY_STEPS ]; do
          echo "{\"step\": $i, \"loss\": 0.5, \"batch_size\": 8, \"sample_noun\": \"book\", \"timestamp\": $((1700000000 + i)), \"step_time\": {{seconds}}{{more}}}" >> "$CONVOY_RUN_DIR/metrics_rank$RANK.jsonl"
          i=$((i + 1))
        done
        """;
}
