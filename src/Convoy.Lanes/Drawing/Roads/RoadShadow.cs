namespace Convoy.Lanes.Drawing.Roads;

/// <summary>A shadow that lies across or along the road.</summary>
/// <param name="Near">Metres ahead where it begins.</param>
/// <param name="Far">Metres ahead where it ends.</param>
/// <param name="Left">Metres right of the ego lane's centre where it begins; minus infinity for the whole width.</param>
/// <param name="Right">Metres right of the ego lane's centre where it ends; infinity for the whole width.</param>
/// <param name="Strength">The share of the light that it takes, 0 to 1.</param>
/// <param name="Softness">Metres over which its edge fades.</param>
/// <param name="Dappled">Broken up by gaps, as under trees.</param>
internal readonly record struct RoadShadow(
    double Near, double Far, double Left, double Right, double Strength, double Softness, bool Dappled);
