using System.Diagnostics;
using Convoy.Training.Checkpoints;

namespace Convoy.Cli.Tests.Training;

/// <summary>How a run ends that is not left to reach its end, and what is left of it.</summary>
public sealed class EndingTests : IClassFixture<TrainingFixture>
{
    private readonly TrainingFixture _fixture;

    public EndingTests(TrainingFixture fixture)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Needs POSIX signals and /proc.");
        _fixture = fixture;
    }

    [Fact]
    public async Task Train_WorkerKilled_FailsBeforeTheTimeoutNamingItsRank()
    {
        string output = _fixture.At("killed");
        HashSet<string> sharedMemory = [.. Directory.GetFileSystemEntries("/dev/shm")];
        using Process convoy = await _fixture.StartAndWaitForStepAsync(output, 2, 3, "--steps", "100000");
        IReadOnlyDictionary<int, int> workers = TrainingFixture.Workers(output);
        Assert.Equal([0, 1], workers.Keys.Order());

        long killed = Stopwatch.GetTimestamp();
        TrainingFixture.Signal(workers[1], "KILL");
        (int code, string told, string error) = await EndAsync(convoy, TimeSpan.FromMinutes(3));
        TimeSpan took = Stopwatch.GetElapsedTime(killed);

        Assert.Equal(1, code);
        Assert.Matches(@"\Aconvoy: error: rank 1 \(pid \d+\) was ended by SIGKILL[^\n]+\n\z", error);
        Assert.True(took < TimeSpan.FromSeconds(40), $"it took {took}"); // The runs' --timeout is 60 s; an idle machine needs one or two.
        Assert.Matches(@"Last operations of the ranks \(logs/flight-recorder-rank-\*\.json\): [^\n]*rank 1 left no recording", told);
        Assert.Empty(TrainingFixture.Workers(output));
        Assert.DoesNotContain(Directory.GetFileSystemEntries("/dev/shm"), entry => !sharedMemory.Contains(entry) && entry.Contains("convoy", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Train_OneWorkerGetsSigterm_IsNamedWithThatSignal()
    {
        Repetitions.RequireAll();
        string output = _fixture.At("terminated");
        using Process convoy = await _fixture.StartAndWaitForStepAsync(output, 2, 3, "--steps", "100000");
        int worker = TrainingFixture.Workers(output)[1];

        TrainingFixture.Signal(worker, "TERM");
        (int code, _, string error) = await EndAsync(convoy, TimeSpan.FromMinutes(3));

        Assert.Equal(1, code);
        Assert.Equal($"convoy: error: rank 1 (pid {worker}) was ended by SIGTERM (exit code 143). Its output is in the run's logs/rank-1.log.\n", error);
        Assert.Empty(TrainingFixture.Workers(output));
    }

    [Fact]
    public async Task Train_OneWorkerStopped_IsNamedAndTheRunGoesOnWithIt()
    {
        string output = _fixture.At("stopped");
        using Process convoy = await _fixture.StartAndWaitForStepAsync(output, 2, 3, "--steps", "100000");
        int worker = TrainingFixture.Workers(output)[1];

        TrainingFixture.Signal(worker, "STOP");
        string? stopped = await convoy.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);
        TrainingFixture.Signal(worker, "CONT");
        string? goesOn = await convoy.StandardError.ReadLineAsync(TestContext.Current.CancellationToken);
        TrainingFixture.Signal(convoy.Id, "INT");
        (int code, _, string error) = await EndAsync(convoy, TimeSpan.FromMinutes(3));

        Assert.Equal($"convoy: rank 1 (pid {worker}) is stopped (SIGSTOP), and the others are waiting for it. Resume it with kill -CONT {worker}.", stopped);
        Assert.Matches($@"\Aconvoy: rank 1 \(pid {worker}\) has resumed after \d+ s\.\z", goesOn);
        Assert.Equal((130, string.Empty), (code, error));
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Train_DamagedFlightRecorder_DoesNotHideTheRunsError()
    {
        Repetitions.RequireAll();
        string output = _fixture.At("damaged");
        using Process convoy = await _fixture.StartAndWaitForStepAsync(output, 2, 3, "--steps", "100000");
        string damaged = Path.Combine(output, "logs", "flight-recorder-rank-1.json");
        await File.WriteAllTextAsync(damaged, "{\"rank\":1,\"size\":2,\"process_id\":1,\"time\":\"2026-01-01T00:00:00+00:00\",\"reason\":\"x\",\"operations\":[null]}", TestContext.Current.CancellationToken);

        TrainingFixture.Signal(TrainingFixture.Workers(output)[1], "KILL");
        (int code, _, string error) = await EndAsync(convoy, TimeSpan.FromMinutes(3));

        Assert.Equal(1, code);
        Assert.StartsWith($"convoy: a flight recorder file is damaged and was skipped ({damaged}: ", error, StringComparison.Ordinal);
        Assert.Contains("\nconvoy: error: rank 1 (pid ", error, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Train_Interrupted_LeavesACheckpointThatGoesOnToTheEnd(int processes)
    {
        Repetitions.RequireAllUnless(processes == 2);
        string output = _fixture.At($"interrupted-{processes}");
        using Process convoy = await _fixture.StartAndWaitForStepAsync(output, processes, 3, "--steps", "100000", "--accumulate", "2");

        TrainingFixture.Signal(convoy.Id, "INT");
        (int code, _, string error) = await EndAsync(convoy, TimeSpan.FromMinutes(3));

        Assert.Equal(130, code);
        Assert.Equal(string.Empty, error);
        Assert.Empty(TrainingFixture.Workers(output));
        long step = Checkpoint.Find(output).State.Step;
        Assert.True(step >= 3 && step % 2 == 0, $"step {step}");

        ProgramRun resumed = await ProgramRun.ConvoyAsync("train", "--resume", output, "--steps", $"{step + 2}");

        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal(step + 2, Checkpoint.Find(output).State.Step);
        Assert.Equal(Enumerable.Range(1, (int)step + 2).Select(number => (long)number), TrainingFixture.Steps(output).Select(metrics => metrics.Step));
    }

    private static async Task<(int Code, string Output, string Error)> EndAsync(Process convoy, TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        try
        {
            Task<string> output = convoy.StandardOutput.ReadToEndAsync(limit.Token), error = convoy.StandardError.ReadToEndAsync(limit.Token);
            await convoy.WaitForExitAsync(limit.Token);
            return (convoy.ExitCode, await output, await error);
        }
        finally
        {
            if (!convoy.HasExited)
            {
                convoy.Kill(entireProcessTree: true);
            }
        }
    }
}
