using System.Numerics;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>How the carriageway's surface looks.</summary>
/// <param name="Colour">The lanes' colour in daylight, 0 to 1.</param>
/// <param name="Grain">Strength of the texture, about 0.02 to 0.1.</param>
/// <param name="TyreDarkening">How much darker the wheel tracks are, 0 to 0.3.</param>
/// <param name="Joints">Dark joints along the lane lines and across the slabs, as on concrete; tar seams otherwise.</param>
/// <param name="LeftShoulder">Width of the left shoulder in metres.</param>
/// <param name="RightShoulder">Width of the right shoulder in metres.</param>
/// <param name="Grass">The verge's colour in daylight.</param>
internal sealed record Pavement(
    Vector3 Colour, double Grain, double TyreDarkening, bool Joints, double LeftShoulder, double RightShoulder, Vector3 Grass);
