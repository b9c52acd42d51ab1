using System.Numerics;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>The light of a scene, as colours from 0 to 1.</summary>
/// <param name="Zenith">The sky's colour at the top of the picture.</param>
/// <param name="Horizon">The sky's colour at the horizon.</param>
/// <param name="Ambient">What the colour of a surface is multiplied by.</param>
/// <param name="Haze">The colour that distant things fade to.</param>
/// <param name="Headlights">Strength of the car's own headlights on the road.</param>
/// <param name="Lamps">How strongly other vehicles' lights shine, 0 to 1.</param>
/// <param name="Clouds">Share of the sky that clouds cover, 0 to 1.</param>
internal sealed record SceneLight(
    Vector3 Zenith, Vector3 Horizon, Vector3 Ambient, Vector3 Haze, float Headlights, float Lamps, float Clouds)
{
    /// <summary>The light of a scene's time of day and weather.</summary>
    public static SceneLight For(RoadScene scene)
    {
        bool rain = scene.Weather == Weather.Rain;
        bool clear = scene.Weather == Weather.Clear;
        switch (scene.Daylight)
        {
            case Daylight.Night:
                var glow = new Vector3(0.125f, 0.115f, 0.13f);
                return new SceneLight(new Vector3(0.025f, 0.032f, 0.06f), glow, new Vector3(0.21f, 0.21f, 0.25f), glow * 0.7f, rain ? 0.95f : 1.3f, 1, clear ? 0.1f : 0.5f);
            case Daylight.Dusk:
                var sunset = rain ? new Vector3(0.62f, 0.56f, 0.54f) : new Vector3(0.98f, 0.76f, 0.50f);
                var dim = rain ? new Vector3(0.55f, 0.54f, 0.58f) : new Vector3(0.74f, 0.64f, 0.57f);
                return new SceneLight(rain ? new Vector3(0.36f, 0.37f, 0.43f) : new Vector3(0.33f, 0.42f, 0.60f), sunset, dim, Vector3.Lerp(sunset, dim, 0.35f), 0.05f, 0.5f, clear ? 0.35f : 0.7f);
            default:
                if (rain)
                {
                    return new SceneLight(new Vector3(0.50f, 0.53f, 0.56f), new Vector3(0.70f, 0.72f, 0.73f), new Vector3(0.66f, 0.68f, 0.70f), new Vector3(0.66f, 0.68f, 0.69f), 0, 0.35f, 0.9f);
                }

                return clear
                    ? new SceneLight(new Vector3(0.27f, 0.53f, 0.80f), new Vector3(0.76f, 0.86f, 0.90f), new Vector3(1.0f, 0.99f, 0.95f), new Vector3(0.74f, 0.82f, 0.87f), 0, 0.1f, 0.25f)
                    : new SceneLight(new Vector3(0.48f, 0.52f, 0.58f), new Vector3(0.80f, 0.82f, 0.83f), new Vector3(0.84f, 0.85f, 0.87f), new Vector3(0.74f, 0.77f, 0.79f), 0, 0.15f, 0.8f);
        }
    }

    /// <summary>The share of haze in the colour of something this many metres away.</summary>
    public static float HazeAt(double distance, double visibility) => (float)(1 - Math.Exp(-distance / visibility));

    /// <summary>
    /// Light that the car's own headlights add at a place on the road: a beam that widens and fades with distance.
    /// </summary>
    /// <param name="x">Metres to the right of the camera.</param>
    /// <param name="z">Metres ahead.</param>
    public static float Beam(double x, double z)
    {
        double sideways = x / BeamSpread(z);
        double rise = 1 - Math.Exp(-z / 6);
        return (float)(rise * Math.Exp(-z / 36) * Math.Exp(-sideways * sideways) * 1.25);
    }

    /// <summary>Metres from the middle of the beam to where it falls to about a third.</summary>
    public static double BeamSpread(double z) => 1.5 + (0.16 * z);

    /// <summary>A surface's colour as the camera sees it at a distance, lit by ambient light and the car's own headlights.</summary>
    public Vector3 Shade(Vector3 surface, double x, double z, double visibility)
    {
        Vector3 light = Ambient + new Vector3(Headlights > 0 ? Headlights * Beam(x, z) : 0);
        return Vector3.Lerp(surface * light, Haze, HazeAt(z, visibility));
    }
}
