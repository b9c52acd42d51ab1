using Convoy.Analysis.Reading;
using Convoy.Analysis.Reports;
using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Tests.Reading;

/// <summary>Tables as people and tools write them.</summary>
public sealed class CsvTableTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    // In all of them 2 processes are twice as fast as one, and 4 four times.
    [Theory]
    [InlineData("seconds,processes\n1,4\n2,2\n4,1\n")]
    [InlineData("\uFEFFprocesses;seconds\r\n1;100,5\r\n2;50,25\r\n4;25,125\r\n")]
    [InlineData("processes\tseconds\n1\t100,5\n2\t50,25\n4\t25,125\n")]
    [InlineData("1;100,5\n2;50,25\n4;25,125\n")]
    [InlineData("sep=;\nprocesses;seconds\n1;8\n2;4\n4;2\n")]
    [InlineData("processes|time\n1|8\n2|4\n4|2\n")]
    [InlineData("processes,seconds\n1.0,100\n2.0,50\n4.0,25\n")]
    [InlineData("\"processes\" , \"time (s; median)\"\n1, 8\n2, 4\n4, 2\n\n# a remark, with a comma\n,\n")]
    [InlineData("# processes,seconds\n1,8\n2,4\n4,2\n")]
    [InlineData("# a study\n# seconds,processes\n8,1\n4,2\n2,4\n")]
    [InlineData(",World Size,Epoch Time (min)\n0,1,8\n1,2,4\n2,4,2\n")]
    [InlineData("nGPUs,ms/step\n1,8e3\n2,4e3\n4,2e3\n")]
    [InlineData("N,T\u0069me [ms]\n1,8\n2,4\n4,2\n")]
    [InlineData("num_procs,throughput_img_s\n1,10\n2,20\n4,40\n")]
    [InlineData("ranks,images/s\n4,40\n2,20\n1,10\n")]
    [InlineData("workers,Samples per second\n1,10\n2,20\n4,40\n")]
    [InlineData("gpus,img/sec/gpu\n1,10\n2,10\n4,10\n")]
    [InlineData("np,it/s\n1,10\n2,20\n4,40\n")]
    [InlineData("nproc,Speed-up\n1,1.0x\n2,2.0x\n4,4.0x\n")]
    [InlineData("procs,efficiency\n1,1\n2,1\n4,1\n")]
    [InlineData("procs,efficiency (%)\n1,100\n2,100 %\n4,100\n")]
    [InlineData("processes,seconds,speedup\n1,100,1.0\n2,50,2.0\n4,25,3.9\n")]
    [InlineData("processes,seconds,repeat,std,loss\n1,8,1,0.1,3\n2,4,1,0.2,2\n4,2,1,0,1\n")]
    [InlineData("host,processes,seconds\nbox,1,8\nbox,2,4\nbox,4,2\n")]
    [InlineData("nnodes,nproc_per_node,seconds\n1,1,8\n2,1,4\n2,2,2\n")]
    [InlineData("processes,num_workers,seconds\n1,4,8\n2,4,4\n4,4,2\n")]
    [InlineData("gpus,step time (s),batch size\n1,8,16\n2,8,32\n4,8,64\n")]
    [InlineData("gpus,step time (s),batch size per gpu\n1,8,16\n2,8,16\n4,8,16\n")]
    public void Read_OfATable_FollowsItsHeaders(string text)
    {
        RunSet runs = RunReader.Read([_folder.Write("t.csv", text)]);

        Assert.Equal([1, 2, 4], runs.Measurements.Select(m => m.Configuration.Processes));
        Assert.Equal([1, 2, 4], ReportBuilder.Build(runs, new ReportOptions()).Series.Single().Series.Points.Select(p => Math.Round(p.Speedup, 6)));
    }

    [Theory]
    [InlineData("processes,seconds\n1,8\n2,4\n", TimeBasis.Run, 8)]
    [InlineData("processes,epoch time (min)\n1,8\n2,4\n", TimeBasis.Run, 480)]
    [InlineData("processes,step_ms\n1,8\n2,4\n", TimeBasis.Step, 0.008)]
    [InlineData("processes,images/min\n1,120\n2,240\n", TimeBasis.Sample, 0.5)]
    [InlineData("processes,steps per second\n1,4\n2,8\n", TimeBasis.Step, 0.25)]
    [InlineData("processes,speedup\n2,1\n4,1.6\n", TimeBasis.Relative, 1)]
    public void Read_OfATable_TakesUnitAndWhatTheTimeIsOf(string text, TimeBasis basis, double seconds)
    {
        RunSet runs = RunReader.Read([_folder.Write("t.csv", text)]);

        Assert.Equal(basis, runs.Basis);
        Assert.Equal(seconds, runs.Measurements[0].Seconds, 1e-12);
    }

    [Fact]
    public void Read_OfPrecisions_TakesNamesOfOneForOne()
    {
        RunSet runs = RunReader.Read([_folder.Write("t.csv", "precision,processes,seconds\nFP32,1,100.5\nfp32,2,55.2\nfloat32,4,31.1\nAMP,1,60\ntorch.bfloat16,1,70\n")]);

        Assert.Equal(["amp", "bf16", "fp32", "fp32", "fp32"], runs.Measurements.Select(m => m.Configuration.Precision));
        Assert.Equal(["amp", "fp32"], RunReader.Read([_folder.Write("t.csv", "amp,processes,seconds\nTrue,1,5\nFalse,1,9\n")]).Measurements.Select(m => m.Configuration.Precision));
    }

    [Fact]
    public void Read_OfThroughputs_ShowsThemAsImagesPerSecond()
    {
        RunSet runs = RunReader.Read([_folder.Write("t.csv", "gpus,images/s\n1,10\n2,19\n")]);

        Assert.Equal([10, 19], runs.Measurements.Select(m => Math.Round(m.SamplesPerSecond!.Value, 9)));
    }

    [Theory]
    [InlineData("a,b\n1,2\n", "no column holds numbers of processes ('a', 'b', ", "line 1", "understood are processes (procs, gpus")]
    [InlineData("processes,loss\n1,2\n", "no column holds times, throughputs or speed-ups ('processes', 'loss', ")]
    [InlineData("processes,seconds,mood\n1,2,good\n2,1,bad\n", "a column is not understood ('mood', ", "line 1")]
    [InlineData("processes,gpu hours,seconds\n1,2,9\n2,1,8\n", "a column is not understood ('gpu hours', ")]
    [InlineData("processes,seconds,num_workers\n1,2,1\n2,1,2\n", "a column is not understood ('num_workers', ")]
    [InlineData("processes,gpus,seconds\n1,2,1\n2,1,2\n", "two columns hold the same thing ('processes', 'gpus', ")]
    [InlineData("processes,seconds,images/s\n1,2,10\n2,2,20\n", "the columns 'seconds' and 'images/s' contradict each other ('2' and '20', ", "line 3")]
    [InlineData("processes,seconds,speedup\n1,10,1\n2,5,2\n4,2.5,2\n", "contradict each other ('2.5' and '2', ", "line 4")]
    [InlineData("processes,time,batch size\n1,2,8\n2,2,16\n", "the batch size changes, and the table does not say what the times are of ('batch size', 'time', ")]
    [InlineData("processes,precision,speedup\n1,fp32,1\n2,fp32,2\n1,bf16,1\n2,bf16,2\n", "speed-ups that are against different times cannot be compared")]
    [InlineData("processes;seconds\n1;1.234,5\n", "it is not clear what the comma in a number means (got '1.234,5', ", "line 2")]
    [InlineData("processes,seconds\n1,\"1,234\"\n", "it is not clear what the comma in a number means (got '1,234', ")]
    [InlineData("processes\tseconds\n1\t1,234\n2\t1,000\n", "it is not clear what the comma in a number means (got '1,234', ")]
    [InlineData("processes,seconds\n1,100,5\n", "a line of 3 values for 2 columns", "line 2")]
    [InlineData("1,100,5\n2,55,2\n", "a precision must be a name (got '5', ", "line 1")]
    [InlineData("100.5,1\n50.2,2\n", "a number of processes must be a whole number from 1 to 1000000 (got '100.5', ", "a first line with the columns' names")]
    [InlineData("processes,seconds\n1.5,100\n", "a number of processes must be a whole number from 1 to 1000000 (got '1.5', ", "line 2")]
    [InlineData("processes,seconds\n1e300,100\n", "a number of processes must be a whole number from 1 to 1000000 (got '1e300', ", "line 2")]
    [InlineData("processes,seconds\n1,1e-308\n", "a time must be from 1e-9 to 1e10 seconds (got '1e-308', ", "line 2", "from 1e-9 to 1e10 seconds")]
    [InlineData("processes,seconds\n1,1e308\n", "a time must be from 1e-9 to 1e10 seconds (got '1e308', ", "line 2")]
    [InlineData("processes,images/s\n1,0\n", "a throughput must be a number above 0 (got '0', ", "line 2")]
    [InlineData("processes,seconds\n1,OOM\n", "a time must be a number above 0 (got 'OOM', ", "line 2")]
    [InlineData("processes,seconds\n1,1:40\n", "a time must be a number above 0 (got '1:40', ", "line 2")]
    [InlineData("processes,seconds\n1,\"5\n2,6\n", "the quotes in a line do not match", "line 2")]
    public void Read_OfWhatCannotBeUnderstood_IsRefusedByName(string text, params string[] parts)
    {
        string path = _folder.Write("t.csv", text);

        var error = Assert.Throws<AnalysisInputException>(() => RunReader.Read([path]));

        Assert.All([path, .. parts], p => Assert.Contains(p, error.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Read_OfALongPrecision_IsRefusedInFewWords()
    {
        string path = _folder.Write("t.csv", $"1,10,{new string('x', 120_000)}\n2,5\n");

        string message = Assert.Throws<AnalysisInputException>(() => RunReader.Read([path])).Message;

        Assert.Contains("a cell has over 1000 characters (", message, StringComparison.Ordinal);
        Assert.Contains("a precision must be a name (got '", Assert.Throws<AnalysisInputException>(() => RunReader.Read([_folder.Write("t.csv", $"1,10,{new string('x', 900)}\n")])).Message, StringComparison.Ordinal);
        Assert.True(message.Length < 300 + path.Length, message);
    }

    [Fact]
    public void Read_OfTablesOfDifferentKinds_IsRefusedWithBoth()
    {
        string message = Assert.Throws<AnalysisInputException>(() => RunReader.Read([_folder.Write("a.csv", "n,seconds\n1,2\n"), _folder.Write("b.csv", "n,images/s\n2,2\n")])).Message;

        Assert.Contains("the runs give different kinds of times (seconds a run in ", message, StringComparison.Ordinal);
        Assert.Contains("; seconds an image in ", message, StringComparison.Ordinal);
    }
}
