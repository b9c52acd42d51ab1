using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Paints the ground row by row, from the bottom of the picture up to where the road ends or disappears behind a crest.</summary>
internal static class GroundPainter
{
    /// <summary>Paints the ground.</summary>
    /// <returns>The topmost row that shows ground; the picture's height if none does.</returns>
    public static int Paint(Picture picture, RoadScene scene, RoadCamera camera, SceneLight light, NoiseTexture grain, NoiseTexture smooth)
    {
        var row = new RoadRow(picture.Size.Width);
        var pavement = new PavementPainter(scene, grain);
        var lines = new LaneLinePainter(scene, camera, grain);
        var lighting = new GroundLightPainter(scene, light, smooth, picture.Size.Width);
        int y = picture.Size.Height - 1;
        for (; y >= 0 && row.Move(y, camera, scene.Geometry); y--)
        {
            pavement.PaintRow(row);
            lines.PaintRow(row);
            lighting.PaintRow(row);
            Write(picture, row);
        }

        return y + 1;
    }

    /// <summary>Paints only the lane lines, white on black: labels are checked against this.</summary>
    public static void PaintLinesOnly(Picture picture, RoadScene scene, RoadCamera camera, NoiseTexture grain)
    {
        var row = new RoadRow(picture.Size.Width);
        var lines = new LaneLinePainter(scene, camera, grain);
        for (int y = picture.Size.Height - 1; y >= 0 && row.Move(y, camera, scene.Geometry); y--)
        {
            Array.Clear(row.Red);
            Array.Clear(row.Green);
            Array.Clear(row.Blue);
            lines.PaintRow(row);
            Write(picture, row);
        }
    }

    private static void Write(Picture picture, RoadRow row)
    {
        for (int x = 0; x < row.Width; x++)
        {
            picture.Set(x, row.Y, row.Red[x], row.Green[x], row.Blue[x]);
        }
    }
}

/// <summary>
/// One row of the picture that shows ground: where on the road it is, and the colours of its pixels while they are computed.
/// </summary>
/// <param name="width">Pixels in a row.</param>
internal sealed class RoadRow(int width)
{
    public int Width { get; } = width;

    /// <summary>The row's index.</summary>
    public int Y { get; private set; }

    /// <summary>Metres ahead of its middle, its lower edge and its upper edge.</summary>
    public double Distance { get; private set; }

    public double Near { get; private set; }

    public double Far { get; private set; }

    /// <summary>Metres right of the ego lane's centre of the pixel in column 0.</summary>
    public double Left { get; private set; }

    /// <summary>Metres from one pixel to the next.</summary>
    public double Step { get; private set; }

    /// <summary>Metres right of the camera of the ego lane's centre.</summary>
    public double Centre { get; private set; }

    public float[] Red { get; } = new float[width];

    public float[] Green { get; } = new float[width];

    public float[] Blue { get; } = new float[width];

    /// <summary>Moves to row <paramref name="y"/>; false if it shows no road.</summary>
    public bool Move(int y, RoadCamera camera, RoadGeometry geometry)
    {
        double tangent = camera.TangentOfRow(y);
        double distance = geometry.DistanceAt(tangent, camera.Height);
        if (double.IsNaN(distance))
        {
            return false;
        }

        Y = y;
        Distance = distance;
        Near = geometry.DistanceAt(camera.TangentOfRow(y + 0.5), camera.Height);
        Far = geometry.DistanceAt(camera.TangentOfRow(y - 0.5), camera.Height);
        if (double.IsNaN(Far))
        {
            // The road's last row: above it is sky.
            Far = (2 * distance) - Near;
        }

        Centre = geometry.CentreAt(distance);
        Step = camera.DepthAt(distance, tangent) / camera.FocalX;
        Left = (-camera.CentreX * Step) - Centre;
        return true;
    }

    /// <summary>The column, not rounded, of a place this many metres right of the ego lane's centre.</summary>
    public double ColumnOf(double lateral) => (lateral - Left) / Step;
}

/// <summary>Lights a row of ground: shadows, headlights, the reflections of a wet road, haze.</summary>
internal sealed class GroundLightPainter
{
    private readonly RoadScene _scene;
    private readonly SceneLight _light;
    private readonly NoiseTexture _noise;
    private readonly RoadShadow[] _shadows;
    private readonly float[] _lit;
    private readonly float[] _beam;
    private readonly float[] _mirror;

    /// <param name="scene">What is painted.</param>
    /// <param name="light">Its light.</param>
    /// <param name="noise">The gaps between leaves, and puddles.</param>
    /// <param name="width">Pixels in a row.</param>
    public GroundLightPainter(RoadScene scene, SceneLight light, NoiseTexture noise, int width)
    {
        (_scene, _light, _noise) = (scene, light, noise);
        _shadows = [.. scene.Shadows, .. scene.Vehicles.SelectMany(vehicle => ShadowsOf(vehicle, scene))];
        (_lit, _beam, _mirror) = (new float[width], new float[width], new float[width]);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // the first call already runs long
    public void PaintRow(RoadRow row)
    {
        Array.Fill(_lit, 1f);
        foreach (RoadShadow shadow in _shadows)
        {
            Darken(row, shadow);
        }

        bool wet = _scene.Weather == Weather.Rain;
        if (_light.Headlights > 0)
        {
            Beam(row);
        }

        if (wet)
        {
            Mirror(row);
        }

        Vector3 ambient = (_light.Ambient + StreetLampPainter.LightAt(_scene, row.Distance)) * (wet ? 0.72f : 1);
        Vector3 sky = Vector3.Lerp(_light.Horizon, _light.Zenith, 0.3f);
        float haze = SceneLight.HazeAt(row.Distance, _scene.Visibility);
        Light(row.Red, ambient.X, sky.X, _light.Haze.X, haze);
        Light(row.Green, ambient.Y, sky.Y, _light.Haze.Y, haze);
        Light(row.Blue, ambient.Z, sky.Z, _light.Haze.Z, haze);
    }

    /// <summary>One colour channel of the row: lit, reflecting the sky where it is wet, and behind haze.</summary>
    private void Light(float[] channel, float ambient, float sky, float hazeColour, float haze)
    {
        int x = 0;
        for (; x <= channel.Length - Vector<float>.Count; x += Vector<float>.Count)
        {
            var lit = new Vector<float>(_lit, x);
            Vector<float> colour = new Vector<float>(channel, x) * ((lit * ambient) + new Vector<float>(_beam, x));
            colour += ((((lit * 0.65f) + new Vector<float>(0.35f)) * sky) - colour) * new Vector<float>(_mirror, x);
            colour += (new Vector<float>(hazeColour) - colour) * haze;
            colour.CopyTo(channel, x);
        }

        for (; x < channel.Length; x++)
        {
            float colour = channel[x] * ((_lit[x] * ambient) + _beam[x]);
            colour += ((((_lit[x] * 0.65f) + 0.35f) * sky) - colour) * _mirror[x];
            channel[x] = colour + ((hazeColour - colour) * haze);
        }
    }

    private void Beam(RoadRow row)
    {
        float ahead = _light.Headlights * SceneLight.Beam(0, row.Distance);
        float spread = (float)SceneLight.BeamSpread(row.Distance);
        float start = (float)(row.Left + row.Centre) / spread;
        float step = (float)row.Step / spread;
        for (int x = 0; x < _beam.Length; x++)
        {
            float sideways = start + (x * step);
            _beam[x] = ahead * MathF.Exp(-sideways * sideways);
        }
    }

    /// <summary>How much of the sky a wet road reflects: water reflects most at grazing angles, that is, far away.</summary>
    private void Mirror(RoadRow row)
    {
        float mirror = 0.62f * MathF.Exp(-7f / (float)row.Distance);
        int puddleRow = ((int)(row.Distance * 2) + _scene.TextureSeed) >> 2;
        for (int x = 0; x < _mirror.Length; x++)
        {
            int puddleColumn = (int)Math.Floor((row.Left + (x * row.Step)) * 4);
            _mirror[x] = mirror * (0.75f + (0.25f * _noise.At(puddleColumn, puddleRow)) + (0.15f * _noise.At(x >> 2, 7)));
        }
    }

    /// <summary>The darkness under a vehicle, and the shadow that it casts in the sun.</summary>
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
