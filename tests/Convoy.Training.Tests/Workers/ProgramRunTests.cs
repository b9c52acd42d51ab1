using Convoy.Distributed.Launch;
using Convoy.Training.Workers;

namespace Convoy.Training.Tests.Workers;

/// <summary>Real shell scripts, run once for a configuration.</summary>
public sealed class ProgramRunTests : IDisposable
{
    // step $1: one line of this rank's log. Seconds since 1970 need no more than the shell.
    private const string Step = """step() { echo "{\"step\": $1, \"loss\": 0.5, \"batch_size\": 8, \"timestamp\": $((1700000000 + $1 * ${PACE:-2}))}" >> "$CONVOY_RUN_DIR/metrics_rank$RANK.jsonl"; }""";

    private readonly TemporaryFolder _folder = new();

    public ProgramRunTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Needs a POSIX shell.");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_ScriptThatWritesSteps_GivesThoseOfAllRanks()
    {
        ProgramOutcome outcome = await RunAsync($"{Step}\nfor i in $(seq $CONVOY_STEPS); do step $i; done", 2, 5);

        Assert.Null(outcome.Failure);
        Assert.Equal(2, outcome.Ranks.Count);
        Assert.All(outcome.Ranks, (rank, number) =>
        {
            Assert.Equal([1, 2, 3, 4, 5], rank.Select(step => step.Step));
            Assert.All(rank, step => Assert.Equal(number, step.Rank));
            Assert.Equal([null, 2.0, 2.0, 2.0, 2.0], rank.Select(step => step.StepTime));
            Assert.Equal([0.0, 2, 4, 6, 8], rank.Select(step => step.ElapsedTime));
        });
        Assert.InRange(outcome.WallSeconds, 0.001, 60);
    }

    [Fact]
    public async Task Run_LogsThatDoNotStay_AreNotPointedTo()
    {
        ProgramOutcome outcome = await RunAsync("echo out of luck >&2; exit 3", 1, 5, settings => settings with { KeepsLogs = false });

        Assert.EndsWith(") exited with code 3: out of luck.", outcome.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_AnyScript_IsToldItsConfiguration()
    {
        ProgramOutcome outcome = await RunAsync(
            """echo "$WORLD_SIZE $OMP_NUM_THREADS $CONVOY_STEPS $CONVOY_WARMUP_STEPS [$CONVOY_PRECISION] $EXTRA $CONVOY_STORE_HOSTED." > "$CONVOY_RUN_DIR/told$RANK" """,
            2, 5, settings => settings with { Threads = 3, WarmupSteps = 1, Environment = new Dictionary<string, string> { ["EXTRA"] = "more" } });

        Assert.Null(outcome.Failure);
        Assert.Empty(outcome.Ranks);
        Assert.Equal("2 3 5 1 [] more .\n", await Told(0));
        Assert.Equal(await Told(0), await Told(1));

        await RunAsync("""echo $CONVOY_PRECISION > "$CONVOY_RUN_DIR/told$RANK" """, 1, 5, settings => settings with { Precision = Precision.Bf16 });
        Assert.Equal("bf16\n", await Told(0));
    }

    [Theory]
    [InlineData("for i in 1 2 3; do step $i; done; [ $RANK = 0 ] || step 4", "rank 1 wrote 4 steps, and rank 0 3. Let every rank write every step.")]
    [InlineData("[ $RANK = 1 ] || step 1", "rank 1 wrote no metrics_rank1.jsonl, and others wrote theirs. Let every rank write its own, or none.")]
    [InlineData("step 1; step 1", "metrics_rank0.jsonl, line 2): it is step 1 after step 1. Write one JSON object a line, with step, loss, batch_size and timestamp.")]
    [InlineData("step 1; echo '{}' >> $CONVOY_RUN_DIR/metrics_rank0.jsonl", "metrics_rank0.jsonl, line 2): it has no \"step\". Write one JSON object a line, with step, loss, batch_size and timestamp.")]
    [InlineData("step 1; [ $RANK = 0 ] || { echo out of luck >&2; exit 3; }", ") exited with code 3: out of luck. Its output is in the run's logs/rank-1.log.")]
    public async Task Run_ScriptThatGoesWrong_SaysWhoAndWhat(string script, string expected)
    {
        ProgramOutcome outcome = await RunAsync($"{Step}\n{script}", 2, 5);

        Assert.EndsWith(expected, outcome.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ProgramThatIsNone_SaysSo()
    {
        ProgramOutcome outcome = await new ProgramRun(_folder.Root, Settings("", 1, 1) with { Program = new LaunchProgram("/absent", []) }, TimeProvider.System) { OnNotice = _ => { } }
            .RunAsync(TestContext.Current.CancellationToken);

        Assert.StartsWith("the program cannot be started (/absent", outcome.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ScriptThatNeverEnds_IsEndedAfterTheTimeOut()
    {
        ProgramOutcome outcome = await RunAsync($"{Step}\nstep 1; step 2; sleep 600", 2, 5, settings => settings with { Timeout = TimeSpan.FromSeconds(1.5) });

        Assert.Equal("it did not end within 1.5 s and was ended (rank 0's last step is 2 of 5). Give a longer --run-timeout, or let it end after CONVOY_STEPS steps.", outcome.Failure);
    }

    [Fact]
    public async Task Run_ScriptThatTakesMoreSteps_IsEndedAndThoseThatWereAskedForCount()
    {
        ProgramOutcome outcome = await RunAsync($"{Step}\nfor i in 1 2 3 4; do step $i; done; sleep 600", 2, 3);

        Assert.Null(outcome.Failure);
        Assert.All(outcome.Ranks, rank => Assert.Equal([1, 2, 3], rank.Select(step => step.Step)));
    }

    [Fact]
    public async Task Run_WatcherThatHasEnough_EndsTheRunWithTheStepsThatAllRanksHave()
    {
        ProgramOutcome outcome = await RunAsync($"{Step}\nstep 1; [ $RANK = 0 ] || step 2; step 3; sleep 600", 2, 10, enough: step => step.Step == 3);

        Assert.Null(outcome.Failure);
        Assert.Equal([2, 2], outcome.Ranks.Select(rank => rank.Count));
    }

    [Fact]
    public async Task Run_Interrupted_EndsTheProcesses()
    {
        using var interrupted = new CancellationTokenSource();
        var run = new ProgramRun(_folder.Root, Settings($"{Step}\nstep 1; sleep 600", 2, 10), TimeProvider.System)
        {
            OnNotice = _ => { },
            OnStep = _ =>
            {
                interrupted.Cancel();
                return false;
            },
        };

        await Assert.ThrowsAsync<OperationCanceledException>(() => run.RunAsync(interrupted.Token));
    }

    private Task<string> Told(int rank) => File.ReadAllTextAsync(_folder.File($"told{rank}"), TestContext.Current.CancellationToken);

    private Task<ProgramOutcome> RunAsync(string script, int processes, int steps, Func<ProgramRunSettings, ProgramRunSettings>? change = null, Func<Metrics.StepMetrics, bool>? enough = null)
    {
        ProgramRunSettings settings = Settings(script, processes, steps);
        return new ProgramRun(_folder.Root, change?.Invoke(settings) ?? settings, TimeProvider.System) { OnNotice = _ => { }, OnStep = enough }.RunAsync(TestContext.Current.CancellationToken);
    }

    private static ProgramRunSettings Settings(string script, int processes, int steps) => new()
    {
        Program = new LaunchProgram("sh", ["-c", script]), Processes = processes, Threads = 1, Steps = steps, Timeout = TimeSpan.FromMinutes(2),
    };
}
