namespace Convoy.Lanes.PostProcessing;

/// <summary>A lane's place in one row of the mask.</summary>
internal readonly record struct TrackPoint(int Row, double X);
