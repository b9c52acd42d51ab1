namespace Convoy.Lanes.PostProcessing;

/// <summary>
/// Joins tracks that are one lane on both sides of a gap that following it upwards did not bridge: it looks from both sides, along the
/// direction of the whole ends instead of their last points, which are often distorted at a gap.
/// </summary>
internal sealed class TrackJoiner(LaneExtractorOptions options)
{
    /// <summary>A track of fewer points is a speck and has no direction.</summary>
    private const int MinPoints = 6;

    /// <summary>How many points at a gap are left out of the direction if there are enough others.</summary>
    private const int DistortedPoints = 3;

    /// <summary>Where a gap cuts a leaning lane, its two parts lie beside each other in at most this many rows.</summary>
    private const int MaxOverlapRows = 8;

    /// <summary>Joins tracks, best fits first, until no two fit together.</summary>
    public void Join(List<LaneTrack> tracks)
    {
        tracks.RemoveAll(track => track.Points.Count < MinPoints);
        while (true)
        {
            (LaneTrack? below, LaneTrack? above) = BestPair(tracks);
            if (below is null || above is null)
            {
                return;
            }

            below.Join(above);
            tracks.Remove(above);
        }
    }

    private (LaneTrack? Below, LaneTrack? Above) BestPair(List<LaneTrack> tracks)
    {
        (LaneTrack?, LaneTrack?) best = (null, null);
        double bestMisfit = 1;
        foreach (LaneTrack below in tracks)
        {
            foreach (LaneTrack above in tracks)
            {
                double misfit = ReferenceEquals(below, above) ? double.PositiveInfinity : Misfit(below, above);
                if (misfit < bestMisfit)
                {
                    best = (below, above);
                    bestMisfit = misfit;
                }
            }
        }

        return best;
    }

    /// <summary>How badly two tracks fit together: 0 when each lies exactly in the other's direction, 1 or more when they are two lanes.</summary>
    private double Misfit(LaneTrack below, LaneTrack above)
    {
        int gap = below.TopRow - above.BottomRow;
        if (gap > options.MaxGapRows || gap < -MaxOverlapRows || above.TopRow >= below.TopRow || above.BottomRow >= below.BottomRow)
        {
            return double.PositiveInfinity;
        }

        (double belowX, double belowSlope) = End(below, above.BottomRow, fromTop: true);
        (double aboveX, double aboveSlope) = End(above, below.TopRow, fromTop: false);
        double forward = Math.Abs(belowX - above.Points[0].X);
        double backward = Math.Abs(aboveX - below.Points[^1].X);
        double slope = 0.5 * (Math.Abs(belowSlope) + Math.Abs(aboveSlope));
        double allowed = options.SearchDistanceAt(Math.Max(gap, 0), slope);
        return Math.Max(forward, backward) / allowed;
    }

    private (double X, double Slope) End(LaneTrack track, double row, bool fromTop)
    {
        int count = track.Points.Count;
        int used = Math.Min(2 * options.DirectionPoints, count);
        int left = used - DistortedPoints >= MinPoints ? DistortedPoints : 0;
        return fromTop ? track.FitLine(count - used, count - left, row) : track.FitLine(left, used, row);
    }
}
