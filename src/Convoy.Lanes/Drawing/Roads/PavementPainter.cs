using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Fills a row of ground with the road's surface and the verges, in daylight colours: slabs, seams, wheel tracks, grain.</summary>
internal sealed class PavementPainter
{
    /// <summary>Metres from one slab's joint to the next.</summary>
    private const double SlabLength = 4.57;

    private const double JointLength = 0.03;

    private readonly RoadScene _scene;
    private readonly NoiseTexture _grain;
    private readonly CrossSection _section;

    public PavementPainter(RoadScene scene, NoiseTexture grain)
    {
        (_scene, _grain) = (scene, grain);
        _section = new CrossSection(scene);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // it runs long the first time it is called
    public void PaintRow(RoadRow row)
    {
        (Vector4[] cells, double origin, double perMetre) = _section.For(row.Step * 1.5);

        // The grain's cells are as large as a pixel, so that it neither flickers nor blurs, and it fades into the distance.
        double grainScale = 1 / Math.Max(row.Step, 0.012);
        float fade = (float)(1 / (1 + (row.Distance / 30)));
        int along = (int)(row.Distance * Math.Min(grainScale, 40)) + _scene.TextureSeed;
        float patch = 0.05f * _grain.Smooth((float)row.Distance * 0.9f, _scene.TextureSeed & 255);
        float joint = _scene.Pavement.Joints ? 1 - (0.4f * (float)SlabJoints(row)) : 1;
        double cell = (row.Left + origin) * perMetre;
        double cellStep = row.Step * perMetre;
        double grainX = row.Left * grainScale;
        double grainStep = row.Step * grainScale;
        int last = cells.Length - 1;
        for (int x = 0; x < row.Width; x++)
        {
            Vector4 ground = cells[Math.Clamp((int)cell, 0, last)];
            int column = (int)Math.Floor(grainX);
            float texture = _grain.At(column, along);
            float tone = joint * (1 + patch + (ground.W * fade * ((1.6f * texture) + _grain.At(column >> 4, along >> 3))));
            row.Red[x] = ground.X * tone;
            row.Green[x] = ground.Y * tone;
            row.Blue[x] = ground.Z * tone;
            cell += cellStep;
            grainX += grainStep;
        }

        if (!_scene.Pavement.Joints)
        {
            PaintTarSeams(row);
        }
    }

    /// <summary>The share of the row that a joint across the road covers.</summary>
    private static double SlabJoints(RoadRow row) => (UpTo(row.Far) - UpTo(row.Near)) / Math.Max(row.Far - row.Near, 1e-6);

    private static double UpTo(double z)
    {
        double slabs = Math.Floor(z / SlabLength);
        return (slabs * JointLength) + Math.Min(z - (slabs * SlabLength), JointLength);
    }

    private void PaintTarSeams(RoadRow row)
    {
        for (int seam = 0; seam < 3; seam++)
        {
            int seed = _scene.TextureSeed + (seam * 77);
            double present = _grain.Smooth((float)row.Distance * 0.35f, seed & 511);
            if (present < 0)
            {
                continue;
            }

            double lateral = ((_scene.PavementRight - _scene.PavementLeft) * (0.2 + (0.3 * seam)))
                + _scene.PavementLeft + (0.10 * _grain.Smooth((float)row.Distance * 1.3f, (seed + 31) & 511));
            double left = row.ColumnOf(lateral - 0.025);
            double right = row.ColumnOf(lateral + 0.025);
            for (int x = (int)Math.Max(0, Math.Ceiling(left - 0.5)); x <= Math.Min(row.Width - 1, Math.Floor(right + 0.5)); x++)
            {
                float cover = (float)(Math.Min(x + 0.5, right) - Math.Max(x - 0.5, left));
                float tone = 1 - (0.5f * Math.Clamp(cover, 0, 1) * (float)Math.Min(1, present * 4));
                row.Red[x] *= tone;
                row.Green[x] *= tone;
                row.Blue[x] *= tone;
            }
        }
    }
}
