using Convoy.Distributed.Launch;
using Convoy.Metrics;
using Convoy.Training.Studies;
using Convoy.Training.Workers;

namespace Convoy.Training.Tests.Studies;

public sealed class StudyPeaksTests : IDisposable
{
    private static readonly StudyConfiguration[] Configurations = [new(1, 1, Precision.Fp32), new(2, 1, Precision.Fp32), new(2, 1, Precision.Bf16)];

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _notices = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task GetAsync_OfAProgramThatMeasures_KeepsWhatItSays()
    {
        // The request is what the study computes with, each once.
        StudyPeaks peaks = Peaks("""cat "$CONVOY_RUN_DIR/peaks.json" >"$KEPT"; echo noise; echo '{"MatrixPeaks":[{"Precision":"fp32","Threads":1,"GigaflopsPerSecond":110.5}]}'""".Replace("$KEPT", Path.Combine(_folder.Root, "kept"), StringComparison.Ordinal));

        IReadOnlyList<MatrixPeak>? measured = await peaks.GetAsync(Configurations, TestContext.Current.CancellationToken);

        Assert.Equal([new MatrixPeak("fp32", 1, 110.5)], measured!);
        Assert.Equal("""{"Requests":[{"Precision":0,"Threads":1},{"Precision":1,"Threads":1}]}""", File.ReadAllText(Path.Combine(_folder.Root, "kept")));
        Assert.Equal(measured!, new StudyDirectory(_folder.Root).ReadPeaks()!);

        // A study that goes on takes what is there.
        Assert.Equal(measured!, (await Peaks("exit 1").GetAsync(Configurations, TestContext.Current.CancellationToken))!);
        Assert.Empty(_notices);
    }

    [Theory]
    [InlineData("exit 2", ") exited with code 2, and wrote nothing.")]
    [InlineData("echo no luck.; exit 2", ") exited with code 2: no luck.")]
    [InlineData("echo Epoch 1", "the program did not measure it")]
    public async Task GetAsync_OfAProgramThatDoesNotKnowHow_IsNoticedAndNoError(string script, string reason)
    {
        Assert.Null(await Peaks(script).GetAsync(Configurations, TestContext.Current.CancellationToken));
        Assert.StartsWith("the speed of this machine's matrix products is not known: ", Assert.Single(_notices), StringComparison.Ordinal);
        Assert.EndsWith(reason, _notices[0], StringComparison.Ordinal);
        Assert.Null(new StudyDirectory(_folder.Root).ReadPeaks());
    }

    private StudyPeaks Peaks(string script)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the program is a shell's");
        return new StudyPeaks(new StudyDirectory(_folder.Root), new WorkerProgram(new LaunchProgram("/bin/sh", ["-c", script])), _notices.Add);
    }
}
