namespace Convoy.Lanes.Drawing.Roads;

/// <summary>Draws the lane lines of a carriageway at random: how many, where, and how each is marked.</summary>
internal static class LaneLineSampler
{
    /// <summary>2 to 5 lines from left to right; the ego lane is between -laneWidth/2 and laneWidth/2.</summary>
    public static IReadOnlyList<LaneLine> Sample(SceneRandom random, double laneWidth)
    {
        int count = random.Next() switch { < 0.10 => 2, < 0.34 => 3, < 0.70 => 4, _ => 5 };
        int left = random.Whole(Math.Max(0, count - 4), Math.Min(2, count - 2));
        var inner = random.Next() switch
        {
            < 0.72 => LaneLineStyle.Dashed,
            < 0.86 => LaneLineStyle.Dots,
            _ => LaneLineStyle.Solid,
        };

        // United States: 3.05 m of paint every 12.2 m; elsewhere 3 or 4 m every 9 or 12 m, or 6 m every 18 m.
        (double dash, double period) = random.Pick((3.05, 12.2), (3.05, 12.2), (3.0, 9.0), (4.0, 12.0), (6.0, 18.0));
        if (inner == LaneLineStyle.Dots)
        {
            period = random.Between(9, 14);
        }

        double width = random.Between(0.10, 0.17);
        double wear = random.Chance(0.3) ? random.Between(0.35, 0.7) : random.Between(0, 0.3);
        double phase = random.Between(0, period);
        bool yellowLeft = random.Chance(0.6);
        var lines = new LaneLine[count];
        for (int i = 0; i < count; i++)
        {
            bool leftEdge = i == 0;
            bool edge = leftEdge || i == count - 1;
            LaneLineStyle style = inner;
            if (edge)
            {
                style = leftEdge && random.Chance(0.25) ? LaneLineStyle.Double : LaneLineStyle.Solid;
                if (random.Chance(0.2))
                {
                    // As where the carriageway goes on; no further line is drawn, since a line without a label would be a wrong label.
                    style = LaneLineStyle.Dashed;
                }
            }

            lines[i] = new LaneLine(
                (i - left - 0.5) * laneWidth,
                style,
                leftEdge && yellowLeft,
                width,
                Math.Clamp(wear + random.Normal(0.06), 0, 0.75),
                dash,
                period,
                phase);
        }

        return lines;
    }
}
