namespace Convoy.Lanes.PostProcessing;

/// <summary>A lane as far as it has been followed from its lowest row upwards. Coordinates are pixels of the mask.</summary>
internal sealed class LaneTrack
{
    /// <summary>A track of fewer points has no direction of its own yet.</summary>
    private const int YoungPoints = 6;

    /// <summary>How much wider than the lane a run may be and still be the lane alone.</summary>
    private const double WideRun = 1.6;

    private readonly List<TrackPoint> _points = [];
    private double _width;

    public LaneTrack(int row, PixelRun run)
    {
        _width = run.Width;
        _points.Add(new TrackPoint(row, run.Centre));
        LastRun = run;
    }

    /// <summary>The points from the lowest row to the highest.</summary>
    public IReadOnlyList<TrackPoint> Points => _points;

    public int BottomRow => _points[0].Row;

    public int TopRow => _points[^1].Row;

    /// <summary>The run of the highest row.</summary>
    public PixelRun LastRun { get; private set; }

    /// <summary>The length along the lane, without gaps and without the parts that run through another lane's pixels.</summary>
    public double Length { get; private set; }

    /// <summary>Where the lane is expected in the current row.</summary>
    public double Expected { get; private set; }

    /// <summary>The lane's direction in columns per row.</summary>
    public double Slope { get; private set; }

    /// <summary>The run in which the lane continues, as an index into the runs of the row; -1 for none.</summary>
    public int Choice { get; set; } = -1;

    public bool IsYoung => _points.Count < YoungPoints;

    /// <summary>Sets <see cref="Expected"/> to the lane's place in <paramref name="row"/>, along its direction.</summary>
    public void Predict(int row, int directionPoints)
    {
        TrackPoint top = _points[^1];
        if (_points.Count < 3)
        {
            Expected = top.X;
            return;
        }

        (Expected, Slope) = FitLine(Math.Max(0, _points.Count - directionPoints), _points.Count, row);
    }

    /// <summary>Adds the point at which the lane crosses a run.</summary>
    /// <param name="row">The run's row.</param>
    /// <param name="run">The run.</param>
    /// <param name="shared">Whether other lanes continue in the same run.</param>
    /// <param name="leads">Whether this lane is the longest of them.</param>
    public void Append(int row, PixelRun run, bool shared, bool leads)
    {
        double x = run.Centre;
        if (shared || (!IsYoung && run.Width > WideRun * _width))
        {
            // The run contains more than this lane: stay on course, but inside.
            double half = 0.5 * (Math.Min(_width, run.Width) - 1);
            x = Math.Clamp(Expected, run.First + half, run.Last - half);
        }

        if (!shared)
        {
            // Lanes get narrower upwards and wider as they lean: follow slowly, quickly while young.
            double limit = IsYoung ? double.PositiveInfinity : 1.15 * _width;
            _width += 0.3 * (Math.Min(run.Width, limit) - _width);
        }

        if (leads && TopRow - row == 1)
        {
            Length += Math.Sqrt(1 + Square(x - _points[^1].X));
        }

        _points.Add(new TrackPoint(row, x));
        LastRun = run;
    }

    /// <summary>Appends the points of a track that has turned out to be this lane beyond a gap.</summary>
    public void Join(LaneTrack above)
    {
        // Where a gap cuts a leaning lane, the last rows of the lower part lie beside the first ones of the upper part.
        while (_points.Count > 1 && TopRow <= above.BottomRow)
        {
            _points.RemoveAt(_points.Count - 1);
        }

        _points.AddRange(above._points);
        Length += above.Length;
        LastRun = above.LastRun;
    }

    /// <summary>The least-squares line through points <paramref name="first"/> to <paramref name="end"/> (excluded): its x at <paramref name="row"/> and its change of x per row.</summary>
    public (double X, double Slope) FitLine(int first, int end, double row)
    {
        double meanX = 0;
        double meanRow = 0;
        for (int i = first; i < end; i++)
        {
            meanX += _points[i].X;
            meanRow += _points[i].Row;
        }

        meanX /= end - first;
        meanRow /= end - first;
        double covariance = 0;
        double variance = 0;
        for (int i = first; i < end; i++)
        {
            covariance += (_points[i].Row - meanRow) * (_points[i].X - meanX);
            variance += Square(_points[i].Row - meanRow);
        }

        double slope = variance > 0 ? covariance / variance : 0;
        return (meanX + (slope * (row - meanRow)), slope);
    }

    private static double Square(double x) => x * x;
}

/// <summary>A lane's place in one row of the mask.</summary>
internal readonly record struct TrackPoint(int Row, double X);

/// <summary>Neighbouring lane pixels of one row: the columns <paramref name="First"/> to <paramref name="Last"/>, both included.</summary>
internal readonly record struct PixelRun(int First, int Last)
{
    public int Width => Last - First + 1;

    public double Centre => 0.5 * (First + Last);

    /// <summary>Whether the runs of two rows next to each other touch, diagonally included.</summary>
    public bool Touches(PixelRun other) => First <= other.Last + 1 && other.First <= Last + 1;

    /// <summary>How far a column is outside the run; 0 inside.</summary>
    public double Distance(double x) => Math.Max(0, Math.Max(First - x, x - Last));

    /// <summary>Finds the runs of a row from left to right, joining those at most <paramref name="maxHole"/> background pixels apart.</summary>
    public static void Find(ReadOnlySpan<byte> row, int maxHole, List<PixelRun> runs)
    {
        runs.Clear();
        int column = 0;
        while (column < row.Length)
        {
            int skip = row[column..].IndexOfAnyExcept((byte)0);
            if (skip < 0)
            {
                return;
            }

            int first = column + skip;
            int length = row[first..].IndexOf((byte)0);
            int last = length < 0 ? row.Length - 1 : first + length - 1;
            if (runs.Count > 0 && first - runs[^1].Last - 1 <= maxHole)
            {
                runs[^1] = new PixelRun(runs[^1].First, last);
            }
            else
            {
                runs.Add(new PixelRun(first, last));
            }

            column = last + 1;
        }
    }
}
