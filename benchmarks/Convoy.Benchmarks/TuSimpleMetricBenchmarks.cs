using BenchmarkDotNet.Attributes;
using Convoy.Lanes.Data;
using Convoy.Lanes.Evaluation;

namespace Convoy.Benchmarks;

/// <summary>TuSimple's metric on 1,000 frames of four lanes each.</summary>
public class TuSimpleMetricBenchmarks
{
    private const int Frames = 1000;
    private readonly TuSimpleLabel[] _labels = [.. Enumerable.Range(0, Frames).Select(i => MadeUpLanes.Label($"{i}.jpg", i))];
    private TuSimplePrediction[] _predictions = [];

    /// <summary>Predicts the lanes of other seeds, so that some are right and some are not.</summary>
    [GlobalSetup]
    public void Predict() =>
        _predictions = [.. _labels.Select((label, i) => new TuSimplePrediction(label.RawFile, MadeUpLanes.Label(label.RawFile, i + Frames).Lanes, RunTimeMilliseconds: 10))];

    /// <summary>Scores all frames.</summary>
    [Benchmark]
    public double Score() => TuSimpleMetric.Score(_predictions, _labels).Accuracy;
}
