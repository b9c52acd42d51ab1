using Convoy.Lanes.Data;

namespace Convoy.Lanes.PostProcessing;

/// <summary>
/// Turns a mask of lane pixels into lanes in TuSimple's form: finds the runs of lane pixels in each row, links them upwards along the
/// direction of each lane, drops short tracks, keeps the longest, and reads their x at the benchmark's rows.
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
    /// <param name="original">The size of the image that the lanes are for.</param>
    /// <param name="hSamples">The rows to read, y in pixels of the original image.</param>
    /// <returns>
    /// At most <see cref="LaneExtractorOptions.MaxLanes"/> lanes from left to right: x in pixels of the original image for
    /// each of <paramref name="hSamples"/>, <see cref="TuSimpleLabel.NoPoint"/> where the lane has no point. Lanes without a point in any of
    /// the rows are left out.
    /// </returns>
    /// <exception cref="ArgumentException">The length of the mask does not match its size.</exception>
    public IReadOnlyList<double[]> Extract(ReadOnlySpan<byte> mask, ImageSize network, ImageSize original, double[] hSamples)
    {
        ArgumentNullException.ThrowIfNull(hSamples);
        if (mask.Length != network.Width * network.Height)
        {
            throw new ArgumentException($"The mask has {mask.Length} values, which is not {network}.", nameof(mask));
        }

        var geometry = new ImageGeometry(original, network);
        List<LaneTrack> tracks = new LaneTracker(_options).Track(mask, network.Width, network.Height);
        new TrackJoiner(_options).Join(tracks);
        LaneTrack[] kept = [.. tracks
            .Where(track => track.Length >= _options.MinLength)
            .OrderByDescending(track => track.Length)
            .Take(_options.MaxLanes)];
        double[][] lanes = [.. kept.Select(track => LaneSampler.Sample(track, geometry, hSamples, _options, extend: false))];

        // The longest first: a fragment must not be extended across a lane that is more certain.
        for (int i = 0; i < lanes.Length; i++)
        {
            double[] extended = LaneSampler.Sample(kept[i], geometry, hSamples, _options, extend: true);
            if (!lanes.Where((_, other) => other != i).Any(other => CrossesBelow(lanes[i], extended, other)))
            {
                lanes[i] = extended;
            }
        }

        return
        [
            .. lanes.Zip(kept)
                .Where(lane => lane.First.AsSpan().ContainsAnyInRange(0, double.MaxValue))
                .OrderBy(lane => lane.Second.Points[0].X)
                .Select(lane => lane.First),
        ];
    }

    /// <summary>Whether a lane, once extended downwards, crosses another one, which lanes on a road do not.</summary>
    private static bool CrossesBelow(double[] seen, double[] extended, double[] other)
    {
        int side = 0;
        for (int row = 0; row < seen.Length; row++)
        {
            if (extended[row] < 0 || other[row] < 0)
            {
                continue;
            }

            int here = Math.Sign(extended[row] - other[row]);
            if (seen[row] < 0 && side != 0 && here != side)
            {
                return true;
            }

            side = here;
        }

        return false;
    }
}

/// <summary>
/// How <see cref="LaneExtractor"/> turns a mask into lanes. Lengths are in pixels of the mask; the defaults are for a mask of about 800x360
/// with lanes about 5 pixels wide, and suit 400x180 to 1280x720.
/// </summary>
public sealed record LaneExtractorOptions
{
    /// <summary>The defaults.</summary>
    public static LaneExtractorOptions Default { get; } = new();

    /// <summary>At most this many lanes are kept, the longest. Default 5, the most that TuSimple labels. From 1.</summary>
    public int MaxLanes { get; init; } = 5;

    /// <summary>Lane pixels in a row with at most this many background pixels between them count as one run. Default 1. From 0.</summary>
    public int MaxHoleWidth { get; init; } = 1;

    /// <summary>
    /// A lane that has been lost for more rows than this has ended; until then it is looked for where it was heading, so that gaps between
    /// dashes and behind cars are bridged. Default 40. From 0.
    /// </summary>
    public int MaxGapRows { get; init; } = 40;

    /// <summary>Tracks shorter than this, measured along the lane where it runs alone, are noise. Default 24. From 0.</summary>
    public double MinLength { get; init; } = 24;

    /// <summary>How many of a lane's latest points determine its direction. Default 16. From 4.</summary>
    public int DirectionPoints { get; init; } = 16;

    /// <summary>How far beside its expected place a lane may continue after a gap, measured across the lane. Default 4. From 0.</summary>
    public double SearchDistance { get; init; } = 4;

    /// <summary>How many rows above and below a sampled row a lane's line is fitted to. Default 3. From 1.</summary>
    public int SmoothingRows { get; init; } = 3;

    /// <summary>
    /// A lane that ends at most this many rows before the line through its lowest points leaves the mask, at the bottom or a side, is extended
    /// to that edge. Lanes continue under the camera, and TuSimple's labels go to the edge: 99 % of them end within three of its rows, which
    /// are 15 rows of a mask of 360. Default 20. From 0.
    /// </summary>
    public int ExtendBeyondRows { get; init; } = 20;

    /// <summary>
    /// <see cref="SearchDistance"/> along the row for a lane of some slope (columns per row) after a gap of some rows: wider for a leaning
    /// lane, and wider the longer the gap, since the place becomes less certain.
    /// </summary>
    internal double SearchDistanceAt(int gapRows, double slope) =>
        (SearchDistance + (0.15 * gapRows)) * Math.Sqrt(1 + (slope * slope));

    /// <exception cref="ArgumentOutOfRangeException">A setting is outside its range.</exception>
    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxLanes, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxHoleWidth);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxGapRows);
        ArgumentOutOfRangeException.ThrowIfNegative(MinLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(DirectionPoints, 4);
        ArgumentOutOfRangeException.ThrowIfNegative(SearchDistance);
        ArgumentOutOfRangeException.ThrowIfLessThan(SmoothingRows, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(ExtendBeyondRows);
    }
}
