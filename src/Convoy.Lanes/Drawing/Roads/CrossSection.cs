using System.Numerics;

namespace Convoy.Lanes.Drawing.Roads;

/// <summary>
/// The ground's colour across the road, from the verge on the left to the verge on the right, in cells of 2 cm and averaged over
/// ever wider cells, so that far rows show averages instead of flicker.
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
