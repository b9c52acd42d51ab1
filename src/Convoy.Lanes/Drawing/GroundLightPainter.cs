using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Lanes.Drawing;

/// <summary>Lights a row of ground: shadows, headlights, the mirror of a wet road, haze.</summary>
internal sealed class GroundLightPainter
{
    private readonly RoadScene _scene;
    private readonly SceneLight _light;
    private readonly NoiseTexture _noise;
    private readonly RoadShadow[] _shadows;
    private readonly float[] _lit;

    /// <param name="scene">What is painted.</param>
    /// <param name="light">Its light.</param>
    /// <param name="noise">The gaps between leaves, and puddles.</param>
    /// <param name="width">Pixels in a row.</param>
    public GroundLightPainter(RoadScene scene, SceneLight light, NoiseTexture noise, int width)
    {
        (_scene, _light, _noise) = (scene, light, noise);
        _shadows = [.. scene.Shadows, .. scene.Vehicles.SelectMany(vehicle => ShadowsOf(vehicle, scene))];
        _lit = new float[width];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // it runs long the first time it is called
    public void PaintRow(RoadRow row)
    {
        Array.Fill(_lit, 1f);
        foreach (RoadShadow shadow in _shadows)
        {
            Darken(row, shadow);
        }

        bool wet = _scene.Weather == Weather.Rain;
        float haze = SceneLight.HazeAt(row.Distance, _scene.Visibility);
        Vector3 ambient = (_light.Ambient + StreetLampPainter.LightAt(_scene, row.Distance)) * (wet ? 0.72f : 1);
        Vector3 sky = Vector3.Lerp(_light.Horizon, _light.Zenith, 0.3f);

        // Water mirrors most at grazing angles, that is, far away.
        float mirror = wet ? 0.62f * MathF.Exp(-7f / (float)row.Distance) : 0;
        double beamX = row.Left + row.Centre;
        int puddleRow = (int)(row.Distance * 2) + _scene.TextureSeed;
        for (int x = 0; x < row.Width; x++)
        {
            float beam = _light.Headlights > 0 ? _light.Headlights * SceneLight.Beam(beamX + (x * row.Step), row.Distance) : 0;
            Vector3 colour = new Vector3(row.Red[x], row.Green[x], row.Blue[x]) * ((ambient * _lit[x]) + new Vector3(beam));
            if (wet)
            {
                float puddle = 0.75f + (0.25f * _noise.At((int)((row.Left + (x * row.Step)) * 4), puddleRow >> 2)) + (0.15f * _noise.At(x >> 2, 7));
                colour = Vector3.Lerp(colour, sky * (0.35f + (0.65f * _lit[x])), mirror * puddle);
            }

            colour = Vector3.Lerp(colour, _light.Haze, haze);
            row.Red[x] = colour.X;
            row.Green[x] = colour.Y;
            row.Blue[x] = colour.Z;
        }
    }

    /// <summary>The dark under a vehicle, and the shadow that the sun makes of it.</summary>
    private static IEnumerable<RoadShadow> ShadowsOf(Vehicle vehicle, RoadScene scene)
    {
        VehicleShape shape = vehicle.Shape;
        double half = shape.Width / 2;
        double far = vehicle.Distance + shape.Length;
        yield return new RoadShadow(
            vehicle.Distance - 0.15, far + 0.3, vehicle.Lateral - half - 0.05, vehicle.Lateral + half + 0.05, scene.Daylight == Daylight.Night ? 0.5 : 0.72, 0.35, false);
        if (scene.Sunny)
        {
            double reach = -scene.SunSide * shape.Top * (scene.Daylight == Daylight.Day ? 1.1 : 1.8);
            double behind = shape.Top * (scene.Daylight == Daylight.Day ? 0.35 : 1.0);
            yield return new RoadShadow(
                vehicle.Distance - behind,
                far - (behind / 2),
                vehicle.Lateral - half + Math.Min(reach, 0),
                vehicle.Lateral + half + Math.Max(reach, 0),
                0.5,
                0.18,
                false);
        }
    }

    private void Darken(RoadRow row, RoadShadow shadow)
    {
        double along = Inside(row.Distance, shadow.Near, shadow.Far, shadow.Softness);
        if (along <= 0)
        {
            return;
        }

        double fromColumn = Math.Max(0, row.ColumnOf(shadow.Left - shadow.Softness));
        double toColumn = Math.Min(row.Width - 1, row.ColumnOf(shadow.Right + shadow.Softness));
        for (int x = (int)fromColumn; x <= (int)toColumn; x++)
        {
            double lateral = row.Left + (x * row.Step);
            double depth = along * Inside(lateral, shadow.Left, shadow.Right, Math.Max(shadow.Softness, row.Step));
            if (shadow.Dappled)
            {
                float leaves = _noise.Smooth((float)lateral * 9, ((float)row.Distance * 5) + _scene.TextureSeed % 512)
                    + (0.7f * _noise.Smooth((float)lateral * 2.2f, (float)row.Distance * 1.3f));
                depth *= Math.Clamp(0.75 + (1.6 * leaves), 0, 1);
            }

            _lit[x] *= (float)(1 - (shadow.Strength * depth));
        }
    }

    /// <summary>1 well inside an interval, 0 outside, falling linearly over its edges.</summary>
    private static double Inside(double value, double low, double high, double softness) =>
        Math.Clamp(Math.Min(value - low, high - value) / (2 * softness) + 0.5, 0, 1);
}
