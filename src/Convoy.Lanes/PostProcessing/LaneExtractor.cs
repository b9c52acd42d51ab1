using Convoy.Lanes.Data;

namespace Convoy.Lanes.PostProcessing;

/// <summary>
/// Turns a mask of lane pixels into lanes in TuSimple's form: finds the runs of lane pixels in each row, links them upwards
/// along each lane's direction, drops short tracks, keeps the longest, and reads their x at the benchmark's rows.
/// </summary>
/// <remarks>Safe to use from several threads at once.</remarks>
public sealed class LaneExtractor
{
    private readonly LaneExtractorOptions _options;

    /// <param name="options">The settings; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">A setting is outside its range.</exception>
    public LaneExtractor(LaneExtractorOptions? options = null)
    {
        _options = options ?? LaneExtractorOptions.Default;
        _options.Validate();
    }

    /// <summary>Extracts the lanes of one mask.</summary>
    /// <param name="mask">H x W values, row-major: 0 for background, any other value for lane.</param>
    /// <param name="network">The mask's size.</param>
    /// <param name="original">The size of the image that the lanes are wanted for.</param>
    /// <param name="hSamples">The rows to read, y in pixels of the original image.</param>
    /// <returns>
    /// At most <see cref="LaneExtractorOptions.MaxLanes"/> lanes from left to right: x in pixels of the original image for
    /// each of <paramref name="hSamples"/>, <see cref="TuSimpleLabel.NoPoint"/> where the lane has none. A lane without a point in any
    /// of the rows is left out.
    /// </returns>
    /// <exception cref="ArgumentException">The mask's length is not its size.</exception>
    public IReadOnlyList<double[]> Extract(ReadOnlySpan<byte> mask, ImageSize network, ImageSize original, double[] hSamples)
    {
        ArgumentNullException.ThrowIfNull(hSamples);
        if (mask.Length != network.Width * network.Height)
        {
            throw new ArgumentException($"The mask has {mask.Length} values, not {network}.", nameof(mask));
        }

        var geometry = new ImageGeometry(original, network);
        List<LaneTrack> tracks = new LaneTracker(_options).Track(mask, network.Width, network.Height);
        new TrackJoiner(_options).Join(tracks);
        IEnumerable<LaneTrack> kept = tracks
            .Where(track => track.Length >= _options.MinLength)
            .OrderByDescending(track => track.Length)
            .Take(_options.MaxLanes)
            .OrderBy(track => track.Points[0].X);
        var lanes = new List<double[]>(_options.MaxLanes);
        foreach (LaneTrack track in kept)
        {
            double[] lane = LaneSampler.Sample(track, geometry, hSamples, _options);
            if (lane.AsSpan().ContainsAnyInRange(0, double.MaxValue))
            {
                lanes.Add(lane);
            }
        }

        return lanes;
    }
}
