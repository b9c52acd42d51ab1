using System.Text.Json;

namespace Convoy.Cli.Tests;

/// <summary><c>convoy bench convolution</c> as its users meet it.</summary>
public sealed class BenchConvolutionCommandTests
{
    [Fact]
    public async Task Convolution_OnTwoProcesses_GivesEveryPassOfEveryPrecisionByEveryKernel()
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(
            "bench", "convolution", "--input", "2x16x12x20", "--out-channels", "32", "--kernel", "3", "--padding", "1x1", "--nproc", "2", "--threads", "1", "--repeats", "3", "--json");

        Assert.True(run.ExitCode == 0, run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement report = document.RootElement;
        Assert.Equal([32, 16, 3, 3], report.GetProperty("weight").EnumerateArray().Select(size => size.GetInt32()));
        JsonElement[] passes = [.. report.GetProperty("passes").EnumerateArray()];
        Assert.Equal(
            [("fp32", "forward"), ("fp32", "gradient of the input"), ("fp32", "gradient of the weights"), ("bf16", "forward"), ("bf16", "gradient of the input"), ("bf16", "gradient of the weights")],
            passes.Select(pass => (pass.GetProperty("precision").GetString(), pass.GetProperty("pass").GetString())));
        Assert.All(passes, pass =>
        {
            Assert.Equal(2.0 * 2 * 12 * 20 * 32 * 16 * 9 / 1e9, pass.GetProperty("gflop").GetDouble(), 12);
            Dictionary<string, JsonElement> kernels = pass.GetProperty("kernels").EnumerateArray().ToDictionary(kernel => kernel.GetProperty("kernel").GetString()!);
            Assert.Contains(pass.GetProperty("auto").GetString()!, kernels.Keys);
            Assert.Equal(1, kernels["libtorch"].GetProperty("times_error_of_libtorch").GetDouble());
            double largest = pass.GetProperty("precision").GetString() == "fp32" ? 1e-5 : 1e-2; // of float32 and bfloat16, on sums of 144 and 480 products
            Assert.All(kernels.Values, kernel => Assert.InRange(kernel.GetProperty("error").GetDouble(), 1e-9, largest));
            Assert.All(kernels.Values, kernel => Assert.True(kernel.GetProperty("fastest_seconds").GetDouble() <= kernel.GetProperty("median_seconds").GetDouble() && kernel.GetProperty("median_seconds").GetDouble() <= kernel.GetProperty("slowest_seconds").GetDouble()));
        });
    }

    [Theory]
    [InlineData("--input must be NxCxHxW, four whole numbers above 0 (got 4x64x0x8).", "--input", "4x64x0x8", "--out-channels", "8")]
    [InlineData("--kernel must be a whole number of at least 1, or two as HxW (got 3x3x3).", "--input", "1x4x8x8", "--out-channels", "8", "--kernel", "3x3x3")]
    [InlineData("--padding must be a whole number of at least 0, or two as HxW (got -1).", "--input", "1x4x8x8", "--out-channels", "8", "--padding", "-1")]
    [InlineData("--precision must be fp32 or bf16, or both separated by a comma (got fp16).", "--input", "1x4x8x8", "--out-channels", "8", "--precision", "fp32,fp16")]
    [InlineData("--out-channels must be at least 1 (got 0).", "--input", "1x4x8x8", "--out-channels", "0")]
    [InlineData("the kernel is larger than the padded input (--kernel 9, --input 1x1x2x2, --padding 1). Give a smaller kernel or more padding.", "--input", "1x1x2x2", "--out-channels", "8", "--kernel", "9")]
    [InlineData("a tensor of this convolution is too large (2560000000000 elements). Give sizes whose input, result and weights have at most 2147483647 elements each.", "--input", "100000x4000x80x80", "--out-channels", "8")]
    public async Task Convolution_BadUsage_GivesOneLineAnd2(string message, params string[] arguments)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(["bench", "convolution", .. arguments]);

        Assert.Equal((2, string.Empty, $"convoy: error: {message}"), (run.ExitCode, run.Output, run.Error.TrimEnd()));
    }
}
