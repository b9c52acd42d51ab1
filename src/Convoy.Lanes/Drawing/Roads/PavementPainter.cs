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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)] // the first call already runs long
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

/// <summary>
/// The colour of the ground across the road, from the left verge to the right one, in cells of 2 cm and averaged over ever wider cells, so
/// that distant rows show averages instead of flickering.
/// </summary>
internal sealed class CrossSection
{
    private const double Reach = 40;
    private const double FinestCell = 0.02;
    private const int Levels = 8;

    private readonly Vector4[][] _levels = new Vector4[Levels][];

    public CrossSection(RoadScene scene)
    {
        var finest = new Vector4[(int)(2 * Reach / FinestCell)];
        for (int i = 0; i < finest.Length; i++)
        {
            finest[i] = ColourAt(scene, (i * FinestCell) - Reach);
        }

        _levels[0] = finest;
        for (int level = 1; level < Levels; level++)
        {
            Vector4[] below = _levels[level - 1];
            var cells = new Vector4[below.Length / 2];
            for (int i = 0; i < cells.Length; i++)
            {
                cells[i] = (below[2 * i] + below[(2 * i) + 1]) / 2;
            }

            _levels[level] = cells;
        }
    }

    /// <summary>The cells for pixels of this many metres: colour in X, Y, Z, strength of the grain in W.</summary>
    public (Vector4[] Cells, double Origin, double CellsPerMetre) For(double pixelMetres)
    {
        int level = (int)Math.Clamp(Math.Round(Math.Log2(pixelMetres / FinestCell)), 0, Levels - 1);
        return (_levels[level], Reach, 1 / (FinestCell * (1 << level)));
    }

    private static Vector4 ColourAt(RoadScene scene, double lateral)
    {
        Pavement pavement = scene.Pavement;
        bool oppositeCarriageway = scene.LeftSide == Roadside.Barrier
            && lateral < scene.PavementLeft - 1.2 && lateral > scene.PavementLeft - 14;
        if (lateral < scene.PavementLeft || lateral > scene.PavementRight)
        {
            return oppositeCarriageway
                ? new Vector4(pavement.Colour * 0.96f, (float)pavement.Grain)
                : new Vector4(pavement.Grass, 0.22f);
        }

        float tone = 1;
        bool shoulder = lateral < scene.Lines[0].Lateral || lateral > scene.Lines[^1].Lateral;
        if (shoulder)
        {
            tone = pavement.Joints ? 0.72f : 0.93f;
        }
        else
        {
            for (int lane = 0; lane + 1 < scene.Lines.Count; lane++)
            {
                double middle = (scene.Lines[lane].Lateral + scene.Lines[lane + 1].Lateral) / 2;
                double off = lateral - middle;
                double tracks = Bump(Math.Abs(off) - 0.85, 0.33) + (0.6 * Bump(off, 0.25));
                tone -= (float)(pavement.TyreDarkening * tracks);
            }
        }

        foreach (LaneLine line in scene.Lines)
        {
            double joint = lateral - line.Lateral + (line.Width / 2) + (line.Style == LaneLineStyle.Double ? 0.2 : 0.07);
            if (Math.Abs(joint) < 0.022)
            {
                tone *= pavement.Joints ? 0.45f : 0.8f;
            }
        }

        return new Vector4(pavement.Colour * tone, (float)pavement.Grain);
    }

    private static double Bump(double distance, double width) => Math.Exp(-distance * distance / (2 * width * width));
}
