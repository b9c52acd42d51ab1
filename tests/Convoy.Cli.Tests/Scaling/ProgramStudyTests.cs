using System.Text.Json;
using Convoy.Cli.Tests.Training;

namespace Convoy.Cli.Tests.Scaling;

/// <summary><c>convoy scale</c> of programs that are not built on Convoy.Training: shell scripts, Python, PyTorch.</summary>
public sealed class ProgramStudyTests : IDisposable
{
    // What a step takes: 0.4 / N s, by the script's own account.
    private const string Steps = """
        echo started >> "$0.starts"
        for i in $(seq $CONVOY_STEPS); do
          echo "{\"step\": $i, \"loss\": 0.5, \"batch_size\": 8, \"timestamp\": $((1700000000 + i)), \"step_time\": 0.$((4 / WORLD_SIZE)), \"forward_time\": 0.1, \"backward_time\": 0.1}"
        done > "$CONVOY_RUN_DIR/metrics_rank$RANK.jsonl"
        """;

    private readonly string _root = Directory.CreateTempSubdirectory("convoy-programs-").FullName;

    public ProgramStudyTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a POSIX shell.");

    private string Study => Path.Combine(_root, "study");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Scale_ScriptThatWritesSteps_EndsInAReportOfThem()
    {
        string script = Script(Steps);

        ProgramRun run = await ScaleAsync("1,2", ["--steps", "4", "--samples", "tokens"], "sh", script);

        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement report = Report();
        Assert.Equal([(1, 0.4, 20), (2, 0.2, 40)], report.GetProperty("configurations").EnumerateArray().Select(c => (c.GetProperty("processes").GetInt32(), c.GetProperty("seconds").GetDouble(), c.GetProperty("images_per_second").GetDouble())));
        Assert.Equal($"convoy launch --no-store --nproc 2 --threads 1 -- sh {script}", report.GetProperty("recommendation").GetProperty("command").GetString());
        Assert.Contains("40.00 tokens/s, speed-up 2.00, efficiency 100.0 %", run.Output, StringComparison.Ordinal);
        Assert.Contains("tokens/s", await File.ReadAllTextAsync(Path.Combine(Study, "report.md"), TestContext.Current.CancellationToken), StringComparison.Ordinal);

        // Once for each process of each run, and never to be asked something.
        Assert.Equal(3, File.ReadAllLines(script + ".starts").Length);
        JsonElement metrics = TrainingFixture.Json(Path.Combine(Study, "runs", "2x1-run1", "metrics.json"));
        Assert.Equal((6, 2), (metrics.GetProperty("metrics").GetArrayLength(), metrics.GetProperty("warmup_steps").GetInt32()));
        Assert.False(metrics.GetProperty("config").TryGetProperty("precision", out _));

        // Nobody said in which precision the program computes.
        Assert.Equal("default", report.GetProperty("recommendation").GetProperty("precision").GetString());
        Assert.DoesNotContain("fp32", run.Output + await File.ReadAllTextAsync(Path.Combine(Study, "report.html"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scale_WithPrecisions_TellsTheProgramAndTheCommand()
    {
        string script = Script($"{Steps}\necho \"$CONVOY_PRECISION\" >> \"$0.precisions\"");

        ProgramRun run = await ScaleAsync("2", ["--steps", "4", "--precision", "fp32,bf16"], "sh", script);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(["bf16", "bf16", "fp32", "fp32"], File.ReadAllLines(script + ".precisions").Order(StringComparer.Ordinal));
        Assert.Contains(" --precision ", Report().GetProperty("recommendation").GetProperty("command").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scale_StudyThatIsThereInPart_MakesWhatIsMissingAndRefusesOtherSettings()
    {
        string script = Script(Steps);
        await ScaleAsync("1,2", ["--steps", "4"], "sh", script);
        Directory.Delete(Path.Combine(Study, "runs", "2x1-run1"), recursive: true);

        ProgramRun again = await ScaleAsync("1,2", ["--steps", "4", "--run-timeout", "100"], "sh", script);
        ProgramRun other = await ScaleAsync("1,2", ["--steps", "4"], "sh", script, "x");

        Assert.True(again.ExitCode == 0, again.Error);
        Assert.StartsWith("Going on with 2 configurations", again.Output, StringComparison.Ordinal);
        Assert.Equal(3 + 2, File.ReadAllLines(script + ".starts").Length);
        Assert.Equal(2, other.ExitCode);
        Assert.Contains($"the study in that folder has other settings (words is sh,{script},x, not sh,{script}", other.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scale_ScriptThatCrashesOnTwoProcesses_ReportsTheOthersAndNamesIt()
    {
        string script = Script($"[ $WORLD_SIZE = 1 ] || {{ echo no luck >&2; exit 7; }}\n{Steps}");

        ProgramRun run = await ScaleAsync("1,2", ["--steps", "4"], "sh", script);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("convoy: error: 1 configuration failed (2 processes x 1 thread).", run.Error, StringComparison.Ordinal);
        Assert.Contains("exited with code 7: no luck", run.Error, StringComparison.Ordinal);
        Assert.Equal(1, Report().GetProperty("configurations").GetArrayLength());
    }

    [Theory]
    [InlineData("wrote 3 steps, and 6 are needed. Let it take CONVOY_STEPS steps", "CONVOY_STEPS=3")]
    [InlineData("rank 1 wrote 6 steps, and rank 0 5. Let every rank write every step.", "[ $RANK = 1 ] || CONVOY_STEPS=5")]
    [InlineData("batch_size changes from 8 to 5 in step 7. Let it take whole batches only", """trap 'echo "{\"step\": 7, \"loss\": 1, \"batch_size\": 5, \"timestamp\": 1700000007}" >> $CONVOY_RUN_DIR/metrics_rank$RANK.jsonl' EXIT; CONVOY_STEPS=6""", "--warmup", "3")]
    [InlineData("metrics_rank0.jsonl, line 7): it is no JSON object", "trap 'echo 1 >> $CONVOY_RUN_DIR/metrics_rank$RANK.jsonl' EXIT")]
    [InlineData("it did not end within 1 s and was ended (rank 0's last step is 2 of 6). Give a longer --run-timeout", "trap 'sleep 60' EXIT; CONVOY_STEPS=2", "--run-timeout", "1")]
    public async Task Scale_ScriptThatGoesWrong_FailsAndSaysWhat(string expected, string before, params string[] options)
    {
        ProgramRun run = await ScaleAsync("2", ["--steps", "4", .. options], "sh", Script($"{before}\n{Steps}"));

        Assert.Equal(1, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Single(Directory.GetDirectories(Path.Combine(Study, "failed")));
    }

    [Fact]
    public async Task Scale_BatchesThatDoNotCompare_FailsThatConfigurationAndReportsTheOthers()
    {
        string script = Script(Steps.Replace("\"batch_size\\\": 8", "\"batch_size\\\": $((8 + WORLD_SIZE % 2))", StringComparison.Ordinal));

        ProgramRun run = await ScaleAsync("2,3,4", ["--steps", "4"], "sh", script);

        Assert.Equal(1, run.ExitCode);
        Assert.Contains("1 configuration failed (3 processes x 1 thread).", run.Error, StringComparison.Ordinal);
        Assert.Contains("its batch_size is 9 with 3 processes, and the study's other runs had 8 with 2. Let all processes share one batch", run.Error, StringComparison.Ordinal);
        Assert.Equal([2, 4], Report().GetProperty("configurations").EnumerateArray().Select(c => c.GetProperty("processes").GetInt32()));
    }

    [Theory]
    [InlineData("scale", "--steps", "0")]
    [InlineData("scale", "--threads", "0")]
    [InlineData("tune", "--steps", "0")]
    [InlineData("tune", "--budget-seconds", "0")]
    public async Task Verb_ValueOutOfItsRange_IsSaidBeforeTheProgramIsBuilt(string verb, string option, string value)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(verb, option, value, "--", "dotnet", "run", "--project", Path.Combine(_root, "none"));

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"convoy: error: {option} must be ", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scale_ScriptThatOnlySleeps_IsMeasuredByItsWholeRuns()
    {
        string script = Script("sleep $(awk \"BEGIN { print 0.6 / $WORLD_SIZE + 0.4 }\")");

        ProgramRun run = await ScaleAsync("1,2,4", ["--strong"], "sh", script);

        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement report = Report();
        Assert.Equal(("run", "strong"), (report.GetProperty("time_basis").GetString(), report.GetProperty("scaling").GetString()));
        Assert.True(report.GetProperty("models").EnumerateArray().First().GetProperty("parameters").GetProperty("serial_fraction").GetDouble() > 0.2);
        Assert.Contains("s/run, speed-up ", run.Output, StringComparison.Ordinal);
        Assert.Contains("Note: The program wrote no steps", run.Output, StringComparison.Ordinal);
        Assert.Contains("Start it so: convoy launch --no-store ", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scale_SleepingScriptOfWhichNobodySaysWhatItDoes_HasNoSpeedUps()
    {
        ProgramRun run = await ScaleAsync("1,2", [], "sh", "-c", "sleep 0.1");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal("unknown", Report().GetProperty("scaling").GetString());
        Assert.DoesNotContain("speed-up 1", run.Output, StringComparison.Ordinal);
        Assert.Contains("Note: No speed-ups: nobody said whether the program does the same work", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("there is no such program here or in PATH (convoy-no-such-program)", "convoy-no-such-program")]
    [InlineData("an option of Convoy.Training's tasks with a program that is none (--batch-size)", "true", "--batch-size", "8")]
    [InlineData("an option of Convoy.Training's tasks with a program that is none (--no-sync-bn)", "true", "--no-sync-bn")]
    [InlineData("two options contradict each other (--weak --strong)", "true", "--weak", "--strong")]
    [InlineData("--samples is no name for samples (2)", "true", "--samples", "2")]
    [InlineData("--run-timeout must be above 0 and at most 604800 (got 0)", "true", "--run-timeout", "0")]
    [InlineData("an option of programs without a task with a task (--samples)", "OWN", "--samples", "images")]
    public async Task Scale_ThatCannotBe_IsRefusedBeforeAnythingIsWritten(string expected, string program, params string[] options)
    {
        string[] words = program == "OWN" ? OwnPrograms.OwnProgram.Shapes : [program];

        ProgramRun run = await ScaleAsync("1,2", options, words);

        Assert.Equal(2, run.ExitCode);
        Assert.StartsWith($"convoy: error: {expected}", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Study));
    }

    [Fact]
    public async Task Scale_PythonWithTheRecorderOfTheGuide_IsMeasuredByItsSteps()
    {
        Assert.SkipUnless(await HasAsync("python3", "-c", "import json"), "There is no python3 here.");
        string script = Path.Combine(_root, "train.py");
        File.WriteAllText(script, $$"""
            {{RecorderOfTheGuide()}}

            recorder = StepRecorder()
            while True:
                time.sleep(0.02 / int(os.environ["WORLD_SIZE"]))
                if recorder.end_step(float("nan") if recorder.done == 3 else 0.5, 8, forward_time=0.01, backward_time=0.005):
                    break
            """);

        ProgramRun run = await ScaleAsync("1,2", ["--steps", "4"], "python3", script);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(["step", "step"], Report().GetProperty("configurations").EnumerateArray().Select(_ => Report().GetProperty("time_basis").GetString()));
        Assert.Contains("The loss is not a number in 1 step, first in step 4", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scale_PyTorchWithDistributedDataParallel_IsMeasuredByItsSteps()
    {
        const string Python = "/usr/bin/python3";
        Assert.SkipUnless(await HasAsync(Python, "-c", "import torch"), "PyTorch is not installed for /usr/bin/python3.");
        string script = Path.Combine(_root, "train.py");
        File.WriteAllText(script, $"""
            {RecorderOfTheGuide()}

            import torch
            from torch.nn.parallel import DistributedDataParallel
            torch.distributed.init_process_group("gloo")
            torch.manual_seed(0)
            model = DistributedDataParallel(torch.nn.Linear(8, 1))
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            batch = 8 // torch.distributed.get_world_size()
            recorder = StepRecorder()
            while True:
                loss = model(torch.ones(batch, 8)).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                if recorder.end_step(loss.item(), 8):
                    break
            """);

        ProgramRun run = await ScaleAsync("1,2", ["--steps", "4"], Python, script);

        Assert.True(run.ExitCode == 0, run.Error);
        double[][] losses = [.. ((string[])["1x1", "2x1"]).Select(name => TrainingFixture.Json(Path.Combine(Study, "runs", $"{name}-run1", "metrics.json")).GetProperty("metrics").EnumerateArray().Select(step => step.GetProperty("loss").GetDouble()).ToArray())];
        Assert.Equal(6, losses[0].Length);
        Assert.Equal(losses[0], losses[1], (one, two) => Math.Abs(one - two) < 1e-5); // the same batch, whoever has it

        string[] command = Report().GetProperty("recommendation").GetProperty("command").GetString()!.Split(' ');
        ProgramRun started = await ProgramRun.StartAsync(
            "dotnet", [Path.Combine(AppContext.BaseDirectory, "convoy.dll"), .. command[1..]], environment: new Dictionary<string, string?> { ["CONVOY_STEPS"] = "2" });
        Assert.True(started.ExitCode == 0, started.Error);
    }

    private static string RecorderOfTheGuide()
    {
        string guide = File.ReadAllText(Path.Combine(RepositoryRoot(), "docs", "guide", "scaling-study.md"));
        int start = guide.IndexOf("```python\n", StringComparison.Ordinal) + "```python\n".Length;
        return guide[start..guide.IndexOf("```", start, StringComparison.Ordinal)];
    }

    private static string RepositoryRoot()
    {
        DirectoryInfo folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "docs", "guide", "scaling-study.md")))
        {
            folder = folder.Parent!;
        }

        return folder.FullName;
    }

    private static async Task<bool> HasAsync(string program, params string[] arguments)
    {
        try
        {
            return (await ProgramRun.StartAsync(program, arguments)).ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private string Script(string text)
    {
        string path = Path.Combine(_root, "job.sh");
        File.WriteAllText(path, text + "\n");
        return path;
    }

    private Task<ProgramRun> ScaleAsync(string processes, string[] options, params string[] program) =>
        ProgramRun.ConvoyAsync(["scale", "--out", Study, "--processes", processes, "--repeats", "1", .. options, "--", .. program]);

    private JsonElement Report() => TrainingFixture.Json(Path.Combine(Study, "report.json"));
}
