using Convoy.Lanes.Data;
using Convoy.Lanes.Drawing.Roads;

namespace Convoy.Cli.Tests.Training;

/// <summary>Training in fp16 works and says, on standard error, that it is slow on processors.</summary>
public sealed class PrecisionWarningTests : IDisposable
{
    private const string Warning =
        "convoy: warning: fp16 is slow for training on processors, also on those with AVX512_FP16 (libtorch's backward convolutions: a step of two 320x144 images took 47 s against bf16's 1.1 s on an AMD Zen 5, another one 3.7 s against 0.12 s on an Intel Xeon). Use --precision bf16, or fp32 where the processor has neither AVX512_BF16 nor AMX.";

    private readonly string _root = Directory.CreateTempSubdirectory("convoy-precision-").FullName;

    public PrecisionWarningTests() => SyntheticDataset.Write(Path.Combine(_root, "data"), new SyntheticOptions { Frames = 4, Size = new ImageSize(64, 32) });

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("fp16", true)]
    [InlineData("fp32", false)]
    public async Task Train_InPrecision_WarnsOfFp16Alone(string precision, bool warns)
    {
        ProgramRun run = await ProgramRun.ConvoyAsync(
            "train", "--data", Path.Combine(_root, "data"), "--out", Path.Combine(_root, "run"), "--nproc", "1", "--threads", "1", "--image-size", "64x32", "--batch-size", "2",
            "--accumulate", "1", "--steps", "1", "--val-split", "0", "--keep-checkpoints", "0", "--precision", precision);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(warns, run.Error.Split(Environment.NewLine).Contains(Warning));
        Assert.DoesNotContain("fp16", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Repeats", "more")]
    [InlineData("scale", "--steps", "2", "--warmup", "0", "--processes", "1", "--repeats", "1", "--out", "OUT")]
    [InlineData("tune", "--budget-seconds", "1", "--out", "OUT")]
    public async Task SweepsThatTakeFp16_WarnToo(string verb, params string[] more)
    {
        Repetitions.RequireAllUnless(verb == "scale");
        ProgramRun run = await ProgramRun.ConvoyAsync(
            [verb, "--data", Path.Combine(_root, "data"), "--threads", "1", "--image-size", "64x32", "--batch-size", "2", "--precision", "fp16",
             .. more.Select(word => word == "OUT" ? Path.Combine(_root, "out") : word), "--json"]);

        Assert.Contains(Warning, run.Error.Split(Environment.NewLine));
        Assert.DoesNotContain("fp16 is slow", run.Output, StringComparison.Ordinal);
    }
}
