using System.Numerics;
using Convoy.Lanes.Data;

namespace Convoy.Lanes.Tests.Data;

public sealed class ImageWarpTests
{
    private const int Surround = 124 | (116 << 8) | (104 << 16);

    [Theory]
    [InlineData(37, 23, 3, 1.1, 2.5, -1.25)]
    [InlineData(64, 16, -4, 0.9, 0, 0)]
    [InlineData(41, 30, 180, 1, 0, 0)]
    [InlineData(30, 41, 90, 1, 3, 2)]
    [InlineData(5, 4, 20, 2, 0, 0)]
    [InlineData(3, 3, 0, 1, 0.5, 0.5)]
    [InlineData(1, 7, 10, 1, 0, 0)]
    [InlineData(50, 20, 0, 1, 80, 0)]
    [InlineData(50, 20, 0, 1, 0, -60)]
    public void Apply_AnyTransform_IsTheFormulaInWholeNumbersBitForBit(int width, int height, double degrees, double scale, double shiftX, double shiftY)
    {
        var size = new ImageSize(width, height);
        var centre = new Vector2((width - 1) / 2f, (height - 1) / 2f);
        Matrix3x2 back = Matrix3x2.CreateRotation((float)(degrees * Math.PI / 180), centre)
            * Matrix3x2.CreateScale((float)scale, centre)
            * Matrix3x2.CreateTranslation((float)shiftX, (float)shiftY);
        var random = new Random(width);
        uint[] source = [.. Enumerable.Range(0, width * height).Select(_ => (uint)random.NextInt64(1L << 24))];
        uint[] target = new uint[width * height];
        ImageWarp.Apply(source, target, size, back);

        for (int i = 0; i < target.Length; i++)
        {
            int y = i / width, x = i % width;

            // In 1/256 of a pixel, rounded to the nearest.
            long fromX = (Fixed(((double)back.M21 * y) + back.M31) + (x * Fixed(back.M11)) + 128) >> 8;
            long fromY = (Fixed(((double)back.M22 * y) + back.M32) + (x * Fixed(back.M12)) + 128) >> 8;
            uint expected = Inside(fromX, width) && Inside(fromY, height) ? Sample(source, size, fromX, fromY) : Surround;
            Assert.True(expected == (target[i] & 0xFFFFFF), $"pixel {x}, {y}: {target[i]:x}, not {expected:x}");
        }
    }

    private static long Fixed(double value) => (long)Math.Round(value * 65536);

    // A pixel reaches half its width beyond its centre.
    private static bool Inside(long position, int count) => position >= -128 && position < (256L * (count - 1)) + 128;

    private static uint Sample(uint[] source, ImageSize size, long fromX, long fromY)
    {
        long left = fromX >> 8, top = fromY >> 8, weightX = fromX & 255, weightY = fromY & 255;
        uint result = 0;
        for (int channel = 0; channel < 24; channel += 8)
        {
            long Mixed(long x) => ((At(x, top) * (256 - weightY)) + (At(x, top + 1) * weightY) + 128) >> 8;
            long At(long x, long y) => (source[(Math.Clamp(y, 0, size.Height - 1) * size.Width) + Math.Clamp(x, 0, size.Width - 1)] >> channel) & 255;
            result |= (uint)(((Mixed(left) * (256 - weightX)) + (Mixed(left + 1) * weightX) + 128) >> 8) << channel;
        }

        return result;
    }
}
