namespace Convoy.Lanes.Evaluation;

/// <summary>The lanes predicted for one frame, as one line of a TuSimple prediction file holds them.</summary>
/// <param name="RawFile">The frame, as its label names it: <c>clips/0530/1492626760788443246_0/20.jpg</c>.</param>
/// <param name="Lanes">
/// For each lane its x in pixels of the original image at each of the label's rows; any negative number, usually
/// <see cref="Data.TuSimpleLabel.NoPoint"/>, where the lane has no point.
/// </param>
/// <param name="RunTimeMilliseconds">The time that the prediction took. Above 200 ms the benchmark scores the frame 0. NaN when it is not known.</param>
public sealed record TuSimplePrediction(string RawFile, double[][] Lanes, double RunTimeMilliseconds)
{
    /// <summary>Where the prediction was read from, for error messages: <c>FILE line N</c>; null when it was made in memory.</summary>
    public string? Source { get; init; }

    /// <summary>The rows that the lanes are given at, for frames that have no label to say so; null leaves them to the label. Written, not read.</summary>
    public double[]? HSamples { get; init; }

    /// <summary>The same lanes with their rows in the opposite order.</summary>
    public TuSimplePrediction Reversed() => this with { Lanes = Array.ConvertAll(Lanes, lane => (double[])[.. lane.Reverse()]) };
}
