namespace Convoy.Lanes.Drawing.Roads;

/// <summary>A tree or bush beside the road.</summary>
/// <param name="Lateral">Metres right of the ego lane's centre.</param>
/// <param name="Distance">Metres ahead.</param>
/// <param name="Height">Metres.</param>
/// <param name="Seed">Where its crown's random shape starts.</param>
internal readonly record struct Tree(double Lateral, double Distance, double Height, int Seed);
