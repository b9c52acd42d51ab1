using Convoy.Analysis.Reading;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Tests.Reading;

/// <summary>The curves of runs, and the names of what they record.</summary>
public sealed class RunStepsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Steps_OfAnotherToolsSparseRecords_HaveTheirLossesAndTheTimeSinceTheLastRecord()
    {
        string path = _folder.Write("Metrics_1_cpus.json", """{"metrics":[{"step":1,"loss":3,"elapsed_time":2},{"step":11,"loss":2,"elapsed_time":12},{"step":21,"loss":NaN,"elapsed_time":32},{"step":1,"loss":1,"elapsed_time":33}]}""");

        IReadOnlyList<RunStep> steps = RunReader.Read([path]).Runs[0].Steps;

        Assert.Equal([1, 11, 21, 1], steps.Select(s => s.Step));
        Assert.Equal([null, 1.0, 2.0, null], steps.Select(s => s.Seconds));
        Assert.Equal([3, 2, double.NaN, 1], steps.Select(s => s.Loss!.Value));
        Assert.Equal([true, true, false, false], steps.Select(s => s.IsWarmUp));
    }

    [Fact]
    public void Steps_OfAConvoyRun_AreThoseOfRank0WithTheWarmUpMarked()
    {
        Run run = RunReader.Read([ConvoyRun("one", "/elsewhere/one/data")]).Runs[0];

        Assert.Equal([0.5, 0.25, 0.125, 0.0625], run.Steps.Select(s => s.Seconds!.Value));
        Assert.Equal(run.WarmUpSteps, run.Steps.Count(s => s.IsWarmUp));
        Assert.Equal([true, true, false, false], run.Steps.Select(s => s.IsWarmUp));
    }

    // What the launch says counts: data that a run drew for itself lies in its own folder, and is the same for all runs.
    [Theory]
    [InlineData("synthetic", "synthetic")]
    [InlineData(null, "/elsewhere/one/data")]
    public void Setting_WhoseLaunchHasAValue_IsThatValue(string? value, string expected) =>
        Assert.Equal(expected, RunReader.Read([ConvoyRun("one", "/elsewhere/one/data", value)]).Runs[0].Settings["data"]);

    private string ConvoyRun(string name, string data, string? value = null)
    {
        IEnumerable<string> steps = Enumerable.Range(1, 4).Select(i => FormattableString.Invariant(
            $$"""{"timestamp":"2026-01-01T00:00:00+00:00","rank":0,"step":{{i}},"loss":1,"batch_size":8,"learning_rate":0.1,"elapsed_time":{{i}},"step_time":{{Math.Pow(2, -i)}}}"""));
        return Path.GetDirectoryName(_folder.Write(
            Path.Combine(name, "metrics.json"),
            $$"""{"schema":1,"start_time":"2026-01-01T00:00:00+00:00","end_time":"2026-01-01T00:01:00+00:00","config":{"nproc":1,"data":"{{data}}"},"launch":{"command":["x"],"settings":[{"name":"data","option":"--data"{{(value is null ? "" : $",\"value\":\"{value}\"")}}}]},"metrics":[{{string.Join(',', steps)}}]}"""))!;
    }
}
