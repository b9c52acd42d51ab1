using System.Globalization;
using Convoy.Distributed.Diagnostics;
using Convoy.Distributed.Tests.Diagnostics;

namespace Convoy.Distributed.ParallelTests;

[Trait("Subject", "Processes")]
public sealed class OverlapTests(ITestOutputHelper output) : IDisposable
{
    private const double Least = 0.2;

    private readonly string _directory = Directory.CreateTempSubdirectory("convoy-overlap-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>
    /// The link sleeps, so that it can be hidden whatever else the machine does: about nine tenths on an idle one, a half on one with ten times
    /// as many threads as cores, nothing where reductions wait for the end of backward. The last bucket is complete only when backward is over and cannot be hidden.
    /// </summary>
    [Theory]
    [Trait("Repeats", "more")]
    [InlineData]
    [InlineData("loss.backward")]
    public async Task DistributedDataParallel_SlowLink_HidesWhatCanBeHiddenAndTheTraceShowsIt(params string[] pass)
    {
        Repetitions.RequireAllUnless(pass.Length > 0);
        IReadOnlyList<string> printed = await WorkerProcesses.RunAndRequireSuccessAsync("OverlapOverSlowLink", 2, [_directory, .. pass]);
        string merged = Path.Combine(_directory, "trace.json");
        Assert.True(TraceFile.Merge(_directory, merged));
        TraceContent trace = TraceContent.Read(merged);
        trace.RequireNesting();
        for (int rank = 0; rank < 2; rank++)
        {
            double[] figures = [.. printed[rank].Split(' ').Select(text => double.Parse(text, CultureInfo.InvariantCulture))];
            (double backward, double communication, double exposed, double buckets) = (figures[0], figures[1], figures[2], figures[3]);
            double hideable = Math.Min(backward, communication * (buckets - 1) / buckets);
            double measured = (communication - exposed) / hideable;

            TracedEvent[] passes = [.. trace.Events.Where(item => item.Process == rank && item.Name == "backward")];
            TracedEvent[] moving = [.. trace.Events.Where(item => item.Process == rank && item.Name == "move" && item.Track.StartsWith("communication default/", StringComparison.Ordinal) && item.End > passes[0].Start)];
            Assert.Equal(4, passes.Length);
            Assert.Equal(4 * buckets, moving.Length);
            double seen = moving.Sum(item => passes.Sum(pass => Math.Max(0, Math.Min(item.End, pass.End) - Math.Max(item.Start, pass.Start)))) / 1e6 / hideable;
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"rank {rank}: backward {backward / 4:0.000} s a step, communication {communication / 4:0.000} s in {buckets} buckets, exposed {exposed / 4:0.000} s; hidden {measured:0.0 %} of what can be, in the trace {seen:0.0 %}"));
            Assert.True(measured >= Least, $"rank {rank} hides only {measured:0.0 %}");
            Assert.True(seen >= Least, $"the trace of rank {rank} shows only {seen:0.0 %}");
        }
    }
}
