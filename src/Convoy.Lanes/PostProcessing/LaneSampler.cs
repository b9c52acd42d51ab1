using Convoy.Lanes.Data;

namespace Convoy.Lanes.PostProcessing;

/// <summary>Reads a track's x at given rows of the original image.</summary>
internal static class LaneSampler
{
    /// <summary>How far beyond its first and last row, in mask pixels, a track is still valid: pixel centres lie up to half a row inside.</summary>
    private const double EndSlack = 1;

    /// <summary>The lane's x at each row in original pixels, <see cref="TuSimpleLabel.NoPoint"/> beyond its ends and beside the image; with <paramref name="extend"/> extended to the edge.</summary>
    public static double[] Sample(LaneTrack track, ImageGeometry geometry, ReadOnlySpan<double> hSamples, LaneExtractorOptions options, bool extend)
    {
        int smoothingRows = options.SmoothingRows;
        double[] xs = new double[hSamples.Length];
        int footPoints = Math.Min(track.Points.Count, Math.Max(options.DirectionPoints, track.Points.Count / 2));
        bool extends = extend && RowsToTheEdge(track, footPoints, geometry.Network) > options.ExtendBeyondRows;
        for (int i = 0; i < xs.Length; i++)
        {
            double row = geometry.ToNetworkY(hSamples[i]);
            double x = row < track.TopRow - EndSlack ? double.NaN
                : row <= track.BottomRow + EndSlack ? geometry.ToOriginalX(At(track, row, smoothingRows))
                : extends ? geometry.ToOriginalX(track.FitLine(0, footPoints, row).X)
                : double.NaN;
            xs[i] = x >= 0 && x <= geometry.Original.Width - 1 ? x : TuSimpleLabel.NoPoint;
        }

        return xs;
    }

    /// <summary>How many more rows a straight line through the track's lowest points has before it leaves the mask at the bottom or a side.</summary>
    private static double RowsToTheEdge(LaneTrack track, int footPoints, ImageSize mask)
    {
        (double x, double slope) = track.FitLine(0, footPoints, track.BottomRow);
        double toBottom = mask.Height - 1 - track.BottomRow;
        double toSide = slope switch
        {
            > 0 => (mask.Width - 1 - x) / slope,
            < 0 => x / -slope,
            _ => double.PositiveInfinity,
        };
        return Math.Min(toBottom, toSide);
    }

    /// <summary>The x of the line fitted to the points around a row, or of the straight line across a gap.</summary>
    private static double At(LaneTrack track, double row, int smoothingRows)
    {
        IReadOnlyList<TrackPoint> points = track.Points;
        // The first point in or above the row: points go upwards, so rows descend.
        int low = 0;
        int high = points.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (points[middle].Row > row)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        int from = low;
        while (from > 0 && points[from - 1].Row <= row + smoothingRows)
        {
            from--;
        }

        int to = low;
        while (to < points.Count && points[to].Row >= row - smoothingRows)
        {
            to++;
        }

        if (low > 0 && low < points.Count && (from == low || to == low))
        {
            TrackPoint below = points[low - 1];
            TrackPoint above = points[low];
            double share = (below.Row - row) / (below.Row - above.Row);
            return below.X + (share * (above.X - below.X));
        }

        return track.FitLine(from, to, row).X;
    }
}
