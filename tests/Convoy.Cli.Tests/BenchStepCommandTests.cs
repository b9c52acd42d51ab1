using System.Text.Json;

namespace Convoy.Cli.Tests;

/// <summary><c>convoy bench step</c> as its users meet it.</summary>
public sealed class BenchStepCommandTests
{
    private static readonly string[] Small = ["bench", "step", "--image-size", "64x32", "--batch-size", "2", "--steps", "2", "--warmup", "2", "--repeats", "1", "--threads", "1"];

    [Fact]
    public async Task Step_Json_IsOneDocumentWithEveryCombinationInTurn()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync([.. Small, "--nproc", "1,2", "--precision", "fp32,bf16", "--channels-last", "true", "--fuse", "none", "--json"]);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal(4, run.Error.Split('\n').Count(line => line.StartsWith("run ", StringComparison.Ordinal)));
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement report = document.RootElement;
        Assert.Equal(("ResNet18", "64x32", 2, 2), (report.GetProperty("encoder").GetString(), report.GetProperty("image_size").GetString(), report.GetProperty("batch_size").GetInt32(), report.GetProperty("steps_per_update").GetInt32()));
        JsonElement[] results = [.. report.GetProperty("results").EnumerateArray()];
        Assert.Equal(
            [(1, "fp32"), (1, "bf16"), (2, "fp32"), (2, "bf16")],
            results.Select(r => r.GetProperty("configuration")).Select(c => (c.GetProperty("processes").GetInt32(), c.GetProperty("precision").GetString())));
        double gflop = report.GetProperty("gflop_per_image").GetDouble();
        Assert.All(results, r =>
        {
            double seconds = r.GetProperty("median_seconds").GetDouble();
            Assert.True(seconds > 0);
            Assert.Equal(2 * gflop / seconds, r.GetProperty("gflop_per_second").GetDouble(), 6);
            Assert.True(r.GetProperty("memory_peak_bytes").GetInt64() > 1 << 20);
            Assert.True(r.GetProperty("phases").GetProperty("optimizer").GetDouble() > 0);
            Assert.False(r.TryGetProperty("profile", out _));
        });
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Step_Copies_SetsSeveralProcessesBesideCopiesOfOne()
    {
        Repetitions.RequireAll();
        ProgramRun run = await ProgramRun.ConvoyAsync([.. Small, "--nproc", "1,2", "--copies", "2", "--no-sync-bn", "--fuse", "none", "--json"]);

        Assert.True(run.ExitCode == 0, run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement[] results = [.. document.RootElement.GetProperty("results").EnumerateArray()];
        Assert.False(results[0].TryGetProperty("copies", out _));
        Assert.False(results[1].GetProperty("configuration").GetProperty("sync_bn").GetBoolean());
        JsonElement copies = results[1].GetProperty("copies");
        JsonElement[] rounds = [.. copies.GetProperty("rounds").EnumerateArray()];
        Assert.Equal(2, rounds.Length);
        double expected = Math.Sqrt(rounds[0].GetProperty("ranks").GetDouble() / rounds[0].GetProperty("copies").GetDouble() * rounds[1].GetProperty("ranks").GetDouble() / rounds[1].GetProperty("copies").GetDouble());
        JsonElement ratio = copies.GetProperty("ranks_to_copies");
        Assert.Equal(expected, ratio.GetProperty("value").GetDouble(), 9);
        Assert.True(ratio.GetProperty("interval").GetProperty("low").GetDouble() <= expected);
        Assert.Equal("run 3 of 3: 2 x 1 threads, fp32, channels last, fuse none, batch norm of each process", run.Error.TrimEnd().Split('\n')[^1]);
    }

    [Fact]
    [Trait("Repeats", "more")]
    public async Task Step_TheLaneDetectorAt800x360_Is13_14BillionMultiplyAddsForward()
    {
        Repetitions.RequireAll();
        ProgramRun run = await ProgramRun.ConvoyAsync(
            "bench", "step", "--batch-size", "1", "--accumulate", "1", "--steps", "1", "--warmup", "1", "--repeats", "1", "--threads", "1", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement[] layers = [.. document.RootElement.GetProperty("work").GetProperty("layers").EnumerateArray()];
        double[] forward = [.. layers.Select(layer => layer.GetProperty("forward_flops").GetDouble())];

        // Closed forms of the largest ones, with the encoder's strides 2, 4, 8, 16, 32 on 360 x 800.
        Dictionary<string, double> multiplyAdds = layers.Zip(forward).ToDictionary(pair => pair.First.GetProperty("layer").GetString()!, pair => pair.Second / 2);
        Assert.Equal(180.0 * 400 * 64 * 3 * 7 * 7, multiplyAdds["conv1"]);
        Assert.Equal(90.0 * 200 * 64 * 64 * 9, multiplyAdds["layer1.1.conv2"]);
        Assert.Equal(12.0 * 25 * 512 * 512 * 9, multiplyAdds["layer4.1.conv1"]);
        Assert.Equal(90.0 * 200 * 64 * 128 * 9, multiplyAdds["up4.conv"]);
        Assert.Equal(13.14, forward.Sum() / 2 / 1e9, 0.01);
        Assert.Equal((2 * forward.Sum()) - forward[0], layers.Sum(layer => layer.GetProperty("backward_flops").GetDouble()));
    }

    [Fact]
    public async Task Step_Profile_ShowsLayersAndWhatTheyTake()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Operators are recorded on Linux x64 only.");

        ProgramRun run = await ProgramRun.ConvoyAsync([.. Small, "--profile", "--fuse", "auto", "--json"]);

        Assert.Equal(0, run.ExitCode);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement profile = document.RootElement.GetProperty("results")[0].GetProperty("profile");
        JsonElement[] layers = [.. profile.GetProperty("layers").EnumerateArray()];
        JsonElement convolution = layers.Single(r => r.GetProperty("layer").GetString() == "layer4.1.conv2" && r.GetProperty("operator").GetString() == "(convolution)");
        Assert.True(convolution.GetProperty("forward_seconds").GetDouble() > 0 && convolution.GetProperty("backward_seconds").GetDouble() > 0);
        Assert.Equal(2 * 3 * 2 * 512.0 * 512 * 9 * 2 / 1e9, convolution.GetProperty("gflop").GetDouble(), 9); // 2 images, 2 x 1 positions

        // Each of its passes was computed by the fastest of the kernels that could.
        JsonElement[] passes = [.. document.RootElement.GetProperty("results")[0].GetProperty("convolutions").EnumerateArray().Where(pass => pass.GetProperty("layer").GetString() == "layer4.1.conv2")];
        Assert.Equal(["forward", "gradient of the input", "gradient of the weights"], passes.Select(pass => pass.GetProperty("pass").GetString()));
        Assert.All(passes, pass =>
        {
            double seconds = pass.GetProperty("seconds").GetDouble();
            Assert.Equal(pass.GetProperty("gflop").GetDouble() / seconds, pass.GetProperty("gflop_per_second").GetDouble(), 6);
            Assert.Contains(pass.GetProperty("other_seconds").EnumerateObject(), other => other.Name.StartsWith("libtorch", StringComparison.Ordinal));
        });

        // Everything together, with its row for the rest, is the step.
        double sum = layers.Sum(r => r.GetProperty("forward_seconds").GetDouble() + r.GetProperty("backward_seconds").GetDouble());
        Assert.Equal(profile.GetProperty("step_seconds").GetDouble(), sum, 6);
    }

    [Theory]
    [InlineData("convoy: error: --steps is not a number of whole updates (3 steps, 2 steps an update). Give --steps a multiple of --accumulate, at least 2.", "--steps", "3")]
    [InlineData("convoy: error: --warmup is not a number of whole updates (0 steps, 2 steps an update). Give --warmup a multiple of --accumulate, at least 2.", "--warmup", "0")]
    [InlineData("convoy: error: --repeats must be at least 1 (got 0).", "--repeats", "0")]
    [InlineData("convoy: error: --copies must be at least 0 (got -1).", "--copies", "-1")]
    [InlineData("convoy: error: --copies compares several processes with copies of one (--nproc 1). Give --nproc 2 or more, or leave --copies out.", "--copies", "2")]
    [InlineData("convoy: error: --precision must be one of fp32, bf16, fp16 (got fp8).", "--precision", "fp32,fp8")]
    [InlineData("convoy: error: --channels-last must be true or false (maybe). Write true or false after --channels-last.", "--channels-last", "maybe")]
    [InlineData("convoy: error: not a whole number (--nproc two). Write a whole number after --nproc, or auto.", "--nproc", "1,two")]
    [InlineData("convoy: error: --batch-size has fewer samples than there are processes (batch size 8, 9 processes). Give --batch-size 9 or more, or at most 8 processes.", "--nproc", "9")]
    public async Task Step_BadUsage_GivesOneLineAnd2(string message, params string[] arguments)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(["bench", "step", .. arguments]);

        Assert.Equal((2, string.Empty, message), (run.ExitCode, run.Output, run.Error.TrimEnd()));
    }
}
