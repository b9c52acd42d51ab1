namespace Convoy.Lanes.Tests.Data;

/// <summary>JPEG files of kinds that Skia does not write: with four inks, with an EXIF orientation.</summary>
internal static class TestJpeg
{
    /// <summary>A picture of 8x8 pixels of one colour in cyan, magenta, yellow and black as Adobe's programs write it: 255 is no ink.</summary>
    public static byte[] FourInks(byte cyan, byte magenta, byte yellow, byte black) =>
    [
        0xFF, 0xD8,
        0xFF, 0xEE, 0, 14, .. "Adobe"u8, 0, 100, 0, 0, 0, 0, 0,
        0xFF, 0xDB, 0, 67, 0, .. Enumerable.Repeat((byte)1, 64),
        0xFF, 0xC0, 0, 20, 8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0,
        0xFF, 0xC4, 0, 31, 0, 0, 0, 0, 12, .. new byte[12], .. Enumerable.Range(0, 12).Select(category => (byte)category),
        0xFF, 0xC4, 0, 20, 0x10, 1, .. new byte[15], 0,
        0xFF, 0xDA, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0,
        .. Blocks(cyan, magenta, yellow, black),
        0xFF, 0xD9,
    ];

    /// <summary>The file with an EXIF orientation, 1 to 8.</summary>
    public static byte[] WithOrientation(byte[] jpeg, int orientation) =>
    [
        .. jpeg[..2],
        0xFF, 0xE1, 0, 34, .. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, (byte)orientation, 0, 0, 0, 0, 0, 0, 0,
        .. jpeg[2..],
    ];

    // Of each component one block: the mean (its category in 4 bits, then its bits), and the end of the block in 1 bit.
    private static IEnumerable<byte> Blocks(params byte[] values)
    {
        var bits = new List<int>();
        foreach (byte value in values)
        {
            int mean = 8 * (value - 128);
            int category = mean == 0 ? 0 : (int)Math.Log2(Math.Abs(mean)) + 1;
            Append(bits, category, 4);
            Append(bits, mean < 0 ? mean + (1 << category) - 1 : mean, category);
            Append(bits, 0, 1);
        }

        while (bits.Count % 8 != 0)
        {
            bits.Add(1);
        }

        foreach (int[] octet in bits.Chunk(8))
        {
            int value = octet.Aggregate(0, (sum, bit) => (2 * sum) + bit);
            yield return (byte)value;
            if (value == 0xFF)
            {
                yield return 0;
            }
        }
    }

    private static void Append(List<int> bits, int value, int count)
    {
        for (int bit = count - 1; bit >= 0; bit--)
        {
            bits.Add((value >> bit) & 1);
        }
    }
}
