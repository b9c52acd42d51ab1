namespace Convoy.Lanes.PostProcessing;

/// <summary>Links the runs of a mask's rows into tracks, from the lowest row upwards.</summary>
internal sealed class LaneTracker(LaneExtractorOptions options)
{
    private readonly List<LaneTrack> _active = [];
    private readonly List<LaneTrack> _finished = [];
    private readonly List<PixelRun> _runs = [];
    private int[] _claims = new int[16];

    /// <summary>Follows every track of the mask to its end.</summary>
    /// <param name="mask">0 for background, any other value for lane; row-major.</param>
    /// <param name="width">The mask's width.</param>
    /// <param name="height">The mask's height.</param>
    public List<LaneTrack> Track(ReadOnlySpan<byte> mask, int width, int height)
    {
        for (int row = height - 1; row >= 0; row--)
        {
            PixelRun.Find(mask.Slice(row * width, width), options.MaxHoleWidth, _runs);
            Continue(row);
            StartNew(row);
            FinishLost(row);
        }

        _finished.AddRange(_active);
        _active.Clear();
        return _finished;
    }

    private void Continue(int row)
    {
        if (_claims.Length < _runs.Count)
        {
            _claims = new int[_runs.Count];
        }

        Array.Clear(_claims);
        foreach (LaneTrack track in _active)
        {
            track.Predict(row, options.DirectionPoints);
            track.Choice = track.TopRow - row == 1 ? Connected(track) : -1;
            if (track.Choice >= 0)
            {
                _claims[track.Choice]++;
            }
        }

        foreach (LaneTrack track in _active)
        {
            // A lost lane may only continue in pixels of no other lane, or it would run along with its neighbour.
            if (track.Choice < 0)
            {
                track.Choice = Nearest(track, row);
                if (track.Choice >= 0)
                {
                    _claims[track.Choice]++;
                }
            }
        }

        for (int i = _active.Count - 1; i >= 0; i--)
        {
            LaneTrack track = _active[i];
            if (track.Choice >= 0 && _claims[track.Choice] > 1 && track.Length < options.MinLength && !Leads(track))
            {
                // A speck that touches a lane is part of it.
                _claims[track.Choice]--;
                _active.RemoveAt(i);
            }
        }

        foreach (LaneTrack track in _active)
        {
            if (track.Choice >= 0)
            {
                bool shared = _claims[track.Choice] > 1;
                track.Append(row, _runs[track.Choice], shared, leads: !shared || Leads(track));
            }
        }
    }

    /// <summary>Whether a track is the longest of those that continue in its run.</summary>
    private bool Leads(LaneTrack track)
    {
        foreach (LaneTrack other in _active)
        {
            if (other != track && other.Choice == track.Choice && other.Length > track.Length)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The run that touches the track's last one and lies nearest to where the lane is heading.</summary>
    private int Connected(LaneTrack track)
    {
        int best = -1;
        double bestDistance = double.PositiveInfinity;
        for (int i = 0; i < _runs.Count; i++)
        {
            if (_runs[i].Touches(track.LastRun))
            {
                double distance = _runs[i].Distance(track.Expected);
                if (distance < bestDistance)
                {
                    best = i;
                    bestDistance = distance;
                }
            }
        }

        return best;
    }

    /// <summary>The free run nearest to where the lane is heading, if it is near enough.</summary>
    private int Nearest(LaneTrack track, int row)
    {
        int best = -1;
        double bestDistance = options.SearchDistanceAt(track.TopRow - row, track.Slope);
        for (int i = 0; i < _runs.Count; i++)
        {
            double distance = _runs[i].Distance(track.Expected);
            if (_claims[i] == 0 && distance < bestDistance)
            {
                best = i;
                bestDistance = distance;
            }
        }

        return best;
    }

    private void StartNew(int row)
    {
        for (int i = 0; i < _runs.Count; i++)
        {
            if (_claims[i] == 0)
            {
                _active.Add(new LaneTrack(row, _runs[i]));
            }
        }
    }

    private void FinishLost(int row)
    {
        for (int i = _active.Count - 1; i >= 0; i--)
        {
            // A speck has no direction to continue in, so no gap is bridged for it.
            int patience = _active[i].IsYoung ? 1 : options.MaxGapRows;
            if (_active[i].TopRow - row > patience)
            {
                _finished.Add(_active[i]);
                _active.RemoveAt(i);
            }
        }
    }
}
