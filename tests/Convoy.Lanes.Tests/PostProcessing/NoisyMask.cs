namespace Convoy.Lanes.Tests.PostProcessing;

/// <summary>Spoils a true mask the way networks do, from a seed.</summary>
internal static class NoisyMask
{
    /// <summary>Makes lines about twice as wide.</summary>
    public static void Thicken(byte[] mask, int width)
    {
        byte[] source = (byte[])mask.Clone();
        for (int i = 0; i < mask.Length; i++)
        {
            int column = i % width;
            for (int d = Math.Max(-3, -column); source[i] != 0 && d <= Math.Min(2, width - 1 - column); d++)
            {
                mask[i + d] = 1;
            }
        }
    }

    /// <summary>Erases six patches of 200 columns and 4 to 21 rows in the lower two thirds.</summary>
    public static void Break(byte[] mask, int width, Random random)
    {
        int height = mask.Length / width;
        for (int patch = 0; patch < 6; patch++)
        {
            int top = random.Next(height / 3, height - 25);
            int rows = random.Next(4, 22);
            int left = random.Next(0, width - 200);
            for (int row = top; row < top + rows; row++)
            {
                mask.AsSpan((row * width) + left, 200).Clear();
            }
        }
    }

    /// <summary>Adds twelve discs of 2 to 6 pixels' radius.</summary>
    public static void AddBlobs(byte[] mask, int width, Random random)
    {
        int height = mask.Length / width;
        for (int blob = 0; blob < 12; blob++)
        {
            int x = random.Next(width);
            int y = random.Next(100, height);
            int radius = random.Next(2, 7);
            for (int row = Math.Max(0, y - radius); row < Math.Min(height, y + radius); row++)
            {
                for (int column = Math.Max(0, x - radius); column < Math.Min(width, x + radius); column++)
                {
                    if (((column - x) * (column - x)) + ((row - y) * (row - y)) < radius * radius)
                    {
                        mask[(row * width) + column] = 1;
                    }
                }
            }
        }
    }
}
