using System.Numerics;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>A vehicle that drives ahead.</summary>
/// <param name="Kind">Its body.</param>
/// <param name="Lateral">Metres of its middle right of the ego lane's centre.</param>
/// <param name="Distance">Metres from the camera to its rear.</param>
/// <param name="Colour">Its paint, 0 to 1.</param>
/// <param name="Braking">Whether its brake lights are on.</param>
internal sealed record Vehicle(VehicleKind Kind, double Lateral, double Distance, Vector3 Colour, bool Braking)
{
    public VehicleShape Shape => VehicleShape.Of(Kind);
}
