using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Convoy.Distributed.ParallelTests;

public partial class SampleTests
{
    [Fact]
    public async Task DataParallelSample_OneProcessAndTwo_PrintTheSameLosses()
    {
        double[] single = await LossesAsync("single"), parallel = await LossesAsync("parallel", "2");

        Assert.Equal(5, single.Length);
        Assert.True(single[^1] < single[0] / 2, "it does not learn");
        Assert.All(single.Zip(parallel), pair => Assert.Equal(pair.First, pair.Second, 2e-3));
    }

    private static async Task<double[]> LossesAsync(params string[] arguments)
    {
        string sample = Path.Combine(AppContext.BaseDirectory, "DataParallel.dll");
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", sample, .. arguments])
        {
            RedirectStandardOutput = true,
        };
        start.Environment["OMP_NUM_THREADS"] = "1";
        using Process process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        Task<string> reading = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"the sample did not end: {await reading}");
        }

        string output = await reading;
        Assert.Equal(0, process.ExitCode);
        return [.. Loss().Matches(output).Select(match => double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];
    }

    [GeneratedRegex(@"^(?:\[rank 0\] )?epoch \d+: loss ([\d.]+)", RegexOptions.Multiline)]
    private static partial Regex Loss();
}
