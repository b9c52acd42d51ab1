namespace Convoy.Metrics.Tests;

/// <summary>Steps of a loop whose clock is set by hand.</summary>
public sealed class StepRecorderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("convoy-metrics-").FullName;
    private readonly ManualTime _time = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void EndStep_OfAStepWithLaps_WritesALineWithItsPhases()
    {
        string run = Path.Combine(_folder, "run");
        using (var recorder = new StepRecorder(run, 1, 4, steps: 2, time: _time))
        {
            Assert.True(recorder.IsRecording);
            _time.Advance(100); // before the first step
            recorder.StartStep();
            Lap(recorder, 1, StepPhase.Data);
            Lap(recorder, 2, StepPhase.Forward);
            _time.Advance(10);
            recorder.Lap(StepPhase.Backward, communicationSeconds: 3, waitSeconds: 0.5);
            Lap(recorder, 0.25, StepPhase.Forward); // again: added
            Lap(recorder, 4, StepPhase.Optimizer);
            _time.Advance(0.75); // in no phase
            recorder.EndStep(0.5, 32, 0.1);
            Assert.False(recorder.IsDone);

            _time.Advance(1);
            recorder.StartStep();
            Lap(recorder, 2, StepPhase.Forward);
            recorder.EndStep(0.25, 32);
            Assert.True(recorder.IsDone);

            // Every line is there before the recorder is closed.
            Assert.Equal(2, StepMetricsLog.Read(Path.Combine(run, "metrics_rank1.jsonl")).Count);
        }

        StepMetrics[] steps = [.. StepMetricsLog.Read(Path.Combine(run, "metrics_rank1.jsonl"))];
        StepMetrics one = steps[0], two = steps[1];
        Assert.Equal((1, 0.5, 32, 0.1, 1, 4), (one.Step, one.Loss, one.BatchSize, one.LearningRate!.Value, one.Rank, one.WorldSize!.Value));
        Assert.Equal([18.0, 18, 1, 2.25, 6.5, 3, 0.5, 4], new[] { one.StepTime, one.ElapsedTime, one.DataTime, one.ForwardTime, one.BackwardTime, one.CommTime, one.WaitTime, one.OptimizerTime }.Select(seconds => Math.Round(seconds!.Value, 9)));
        Assert.Equal((2, null, 21.0, 2.0), (two.Step, two.LearningRate, two.ElapsedTime, two.ForwardTime!.Value));
        Assert.Equal([null, null, null, null], new[] { two.DataTime, two.BackwardTime, two.CommTime, two.OptimizerTime });
        Assert.Equal(ManualTime.Start.AddSeconds(118), one.Timestamp);
        Assert.True(one.CpuTime >= 0);
        Assert.True(one.PeakMemoryBytes > 0);
    }

    [Fact]
    public void Batches_OfALoader_CountTheWaitForEach()
    {
        using var recorder = new StepRecorder(_folder, 0, 1, steps: 3, time: _time);
        var steps = new List<(int Batch, StepMetrics Step)>();
        for (int epoch = 0; epoch < 2; epoch++)
        {
            foreach (int batch in recorder.Batches(Load()))
            {
                _time.Advance(1);
                recorder.Lap(StepPhase.Forward);
                steps.Add((batch, recorder.EndStep(0.5, 8)));
                _time.Advance(100); // in no step
            }

            Assert.Throws<InvalidOperationException>(() => recorder.Lap(StepPhase.Data)); // a step without a batch is none
        }

        // Two batches an epoch; after the third the study has enough.
        Assert.Equal([(10, 10.0, 11.0), (20, 20, 21), (10, 10, 11)], steps.Select(s => (s.Batch, Math.Round(s.Step.DataTime!.Value, 9), Math.Round(s.Step.StepTime!.Value, 9))));
        Assert.True(recorder.IsDone);

        IEnumerable<int> Load()
        {
            foreach (int seconds in (int[])[10, 20])
            {
                _time.Advance(seconds);
                yield return seconds;
            }
        }
    }

    [Fact]
    public void FromEnvironment_InAStudy_TakesItsPlace()
    {
        var variables = new Dictionary<string, string> { ["CONVOY_RUN_DIR"] = _folder, ["CONVOY_STEPS"] = "7", ["RANK"] = "2", ["WORLD_SIZE"] = "3" };

        using var recorder = StepRecorder.FromEnvironment(variables.GetValueOrDefault, time: _time);

        Assert.Equal((true, 7L, 2, 3, 0L), (recorder.IsRecording, recorder.Steps!.Value, recorder.Rank, recorder.WorldSize, recorder.StepsDone));
        Assert.True(File.Exists(Path.Combine(_folder, "metrics_rank2.jsonl")));
    }

    [Fact]
    public void FromEnvironment_OfAPersonsProgram_WritesNowhereAndIsNeverDone()
    {
        using var recorder = StepRecorder.FromEnvironment(_ => null, time: _time);
        recorder.StartStep();
        _time.Advance(1);

        Assert.Equal(1, recorder.EndStep(1, 8).StepTime);
        Assert.Equal((false, false, 0, 1), (recorder.IsRecording, recorder.IsDone, recorder.Rank, recorder.WorldSize));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void FromEnvironment_NumberThatIsNone_SaysWhich() => Assert.Equal(
        "CONVOY_STEPS is no whole number (many). Set it to one, or leave it out.",
        Assert.Throws<FormatException>(() => StepRecorder.FromEnvironment(name => name == "CONVOY_STEPS" ? "many" : null)).Message);

    [Fact]
    public void New_RunThatGoesOn_KeepsTheStepsThatCount()
    {
        foreach (long done in (long[])[0, 2])
        {
            using var recorder = new StepRecorder(_folder, 0, 1, stepsDone: done, time: _time);
            for (int i = 0; i < 3; i++)
            {
                recorder.StartStep();
                recorder.EndStep(done, 8);
            }
        }

        Assert.Equal([(1, 0), (2, 0), (3, 2), (4, 2), (5, 2.0)], StepMetricsLog.Read(Path.Combine(_folder, "metrics_rank0.jsonl")).Select(step => (step.Step, step.Loss)));
    }

    [Fact]
    public void LapAndEnd_WithoutAStep_Throw()
    {
        using var recorder = new StepRecorder(null, 0, 1, time: _time);
        Assert.Throws<InvalidOperationException>(() => recorder.Lap(StepPhase.Data));
        Assert.Throws<InvalidOperationException>(() => recorder.EndStep(1, 8));
        recorder.StartStep();
        recorder.EndStep(1, 8);
        Assert.Throws<InvalidOperationException>(() => recorder.EndStep(1, 8));
    }

    private void Lap(StepRecorder recorder, double seconds, StepPhase phase)
    {
        _time.Advance(seconds);
        recorder.Lap(phase);
    }

    private sealed class ManualTime : TimeProvider
    {
        public static readonly DateTimeOffset Start = new(2026, 11, 29, 0, 0, 0, TimeSpan.Zero);
        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Advance(double seconds) => _ticks += (long)Math.Round(seconds * TimeSpan.TicksPerSecond);

        public override long GetTimestamp() => _ticks;

        public override DateTimeOffset GetUtcNow() => Start.AddTicks(_ticks);
    }
}
