using System.Text.Json;
using Convoy.Metrics;

namespace Convoy.Cli.Tests.Training;

/// <summary>One process and several compute the same, twice the same, and a resumed run what an uninterrupted one does.</summary>
public sealed class ParityTests(TrainingFixture fixture) : IClassFixture<TrainingFixture>
{
    /// <summary>
    /// The exchange of gradients and batch norm's statistics leave only rounding. AdamW divides each gradient by its own size, so
    /// it makes whole steps of the rounding in gradients near zero; what it leaves of a gradient, exp_avg, shows the exchange alone.
    /// Rounding also moves a ReLU's input across zero now and then, and one such flip among 100,000 changes that layer's gradient by
    /// 0.3 % and single weights by the whole learning rate: hence the bounds, though 1e-6 is usual. What is beyond rounding shows in
    /// float64, where Convoy.Distributed.ParallelTests hold 1e-12 and benchmarks/peers/compare this very network to 1e-15.
    /// </summary>
    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Train_SeveralProcessesOneUpdate_HasOneProcesssGradientsAndWeights(int processes)
    {
        Repetitions.RequireAllUnless(processes == 2);
        string one = await fixture.SharedAsync(1, 2);
        string several = await fixture.SharedAsync(processes, 2);

        Difference gradients = Difference.Of(one, several, "optimizer.safetensors", ".exp_avg");
        Difference parameters = Difference.Of(one, several, "model.safetensors", ".weight", ".bias");
        TestContext.Current.SendDiagnosticMessage("{0} processes against 1, one update: gradients {1}; parameters {2}", processes, gradients, parameters);
        Assert.True(gradients.Relative < 5e-3, $"gradients: {gradients}");
        // 7.4e-4 with channels-last kernels of AVX-512: AdamW's first update is a whole step however small the gradient, so where
        // rounding decides its sign a parameter moves the other way. In fp64 the same runs agree to 1e-15 (docs/internals/results.md).
        Assert.True(parameters.Relative < 2e-3, $"parameters: {parameters}");
        Assert.True(gradients.Norm > 0);
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(2)]
    [InlineData(4)]
    public async Task Train_SeveralProcesses_HasOneProcesssLossAtEachStep(int processes)
    {
        Repetitions.RequireAllUnless(processes == 2);
        string run = await fixture.SharedAsync(processes, 10);

        double[] one = Losses(fixture.OneProcess), several = Losses(run);
        Assert.Equal(10, one.Length);
        double loss = one.Zip(several).Max(pair => Math.Abs(pair.First - pair.Second));
        Difference parameters = Difference.Of(fixture.OneProcess, run, "model.safetensors", ".weight", ".bias");
        Difference statistics = Difference.Of(fixture.OneProcess, run, "model.safetensors", "running_mean", "running_var");
        TestContext.Current.SendDiagnosticMessage("{0} processes against 1, ten steps: loss within {1:e2}; parameters {2}; running statistics {3}", processes, loss, parameters, statistics);
        Assert.True(loss < 5e-4, $"the losses differ by {loss}");
        Assert.True(parameters.Relative < 5e-3, $"parameters: {parameters}");
        Assert.True(statistics.Relative < 5e-2, $"running statistics: {statistics}");

        // The runs did learn, so equal weights are not those of the start.
        Assert.True(one[^1] < one[0] - 0.01, $"loss {one[0]} to {one[^1]}");
        Assert.All(Enumerable.Range(0, processes), rank => Assert.Equal(several, TrainingFixture.Steps(run, rank).Select(step => step.Loss)));
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Train_SameSeedTwice_IsTheSameBitForBit(int processes)
    {
        Repetitions.RequireAllUnless(processes == 2);
        string first = processes == 1 ? fixture.OneProcess : await fixture.SharedAsync(processes, 10);
        string second = await fixture.TrainAsync($"second-{processes}", processes, "--steps", "10");

        AssertSameFiles(first, second);
        Assert.Equal(Losses(first), Losses(second));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("Repeats", "more")]
    public async Task Train_Resumed_EndsAsTheUninterruptedRunBitForBit(int processes)
    {
        Repetitions.RequireAllUnless(processes == 2);
        // Both within an epoch, of three steps.
        int half = Repetitions.Of(4, 10), steps = 2 * half;
        string whole = await fixture.TrainAsync($"whole-{processes}", processes, "--steps", $"{steps}");
        string parts = await fixture.TrainAsync($"parts-{processes}", processes, "--steps", $"{half}", "--schedule-steps", $"{steps}");

        ProgramRun resumed = await ProgramRun.ConvoyAsync("train", "--resume", parts, "--steps", $"{steps}");

        Assert.True(resumed.ExitCode == 0, resumed.Error);
        AssertSameFiles(whole, parts);
        Assert.Equal(Losses(whole), Losses(parts));
        Assert.Equal(Enumerable.Range(1, steps).Select(step => (long)step), MetricsFile.Read(Path.Combine(parts, "metrics.json")).Metrics.Select(step => step.Step));
    }

    [Fact]
    public async Task Train_TwoProcesses_WritesMetricsAsDocumented()
    {
        string run = await fixture.TrainAsync("documented", 2, "--steps", "10", "--fuse", "auto");

        JsonElement metrics = TrainingFixture.Json(Path.Combine(run, "metrics.json"));
        Assert.Equal(["schema", "start_time", "end_time", "config", "launch", "sample_noun", "flops_per_sample", "kernels", "host", "metrics"], Names(metrics));
        Assert.Equal(["convoy", "train"], metrics.GetProperty("launch").GetProperty("command").EnumerateArray().Select(word => word.GetString()));
        Assert.Equal(8, metrics.GetProperty("config").GetProperty("batch_size").GetInt32());
        Assert.Equal(10, metrics.GetProperty("metrics").GetArrayLength());
        Assert.All(metrics.GetProperty("metrics").EnumerateArray(), step => Assert.Equal(
            ["timestamp", "rank", "step", "loss", "batch_size", "learning_rate", "elapsed_time", "step_time", "data_time", "forward_time", "backward_time", "comm_time", "comm_total_time", "wait_time", "optimizer_time", "world_size", "threads",
             "cpu_time", "peak_memory_bytes", "context_switches",
             .. System.IO.File.Exists("/proc/thread-self/schedstat") ? ["run_queue_time"] : Array.Empty<string>(),
             .. HostProbe.Read().CounterRefusal is null ? ["counters"] : Array.Empty<string>(),
             "buckets"],
            Names(step)));
        Assert.All([.. TrainingFixture.Steps(run, 0), .. TrainingFixture.Steps(run, 1)], step =>
        {
            double phases = (step.DataTime + step.ForwardTime + step.BackwardTime + step.CommTime + step.WaitTime + step.OptimizerTime)!.Value;
            Assert.InRange(phases, (0.98 * step.StepTime!.Value) - 0.005, step.StepTime.Value + 0.0001);
            Assert.True(step.ElapsedTime >= step.StepTime - 0.001);
        });
        Assert.NotEmpty(Directory.GetFiles(Path.Combine(run, "tensorboard")));
        Assert.Equal(["rank-0.log", "rank-1.log"], Directory.GetFiles(Path.Combine(run, "logs")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    private static string[] Names(JsonElement of) => [.. of.EnumerateObject().Select(property => property.Name)];

    private static double[] Losses(string run) => [.. TrainingFixture.Steps(run).Select(step => step.Loss)];

    private static void AssertSameFiles(string first, string second)
    {
        foreach (string name in new[] { "model.safetensors", "optimizer.safetensors" })
        {
            string one = TrainingFixture.CheckpointFile(first, name), other = TrainingFixture.CheckpointFile(second, name);
            Assert.True(File.ReadAllBytes(one).AsSpan().SequenceEqual(File.ReadAllBytes(other)), $"{name} differs: {Difference.Of(first, second, name)}");
        }
    }
}
