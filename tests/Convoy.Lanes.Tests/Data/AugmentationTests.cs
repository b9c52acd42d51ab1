using System.Numerics;
using Convoy.Lanes.Data;
using Convoy.Training.Loading;

namespace Convoy.Lanes.Tests.Data;

public class AugmentationTests
{
    private static readonly ImageSize Size = new(320, 180);

    [Fact]
    public void Draw_SameArguments_GivesTheSameAndEachArgumentMatters()
    {
        Augmentation first = Augmentation.Draw(AugmentationOptions.Default, new SampleRandom(1, 2, 3));

        Assert.Equal(first, Augmentation.Draw(AugmentationOptions.Default, new SampleRandom(1, 2, 3)));
        Assert.NotEqual(first, Augmentation.Draw(AugmentationOptions.Default, new SampleRandom(2, 2, 3)));
        Assert.NotEqual(first, Augmentation.Draw(AugmentationOptions.Default, new SampleRandom(1, 3, 3)));
        Assert.NotEqual(first, Augmentation.Draw(AugmentationOptions.Default, new SampleRandom(1, 2, 4)));
        Assert.NotEqual(Augmentation.Draw(AugmentationOptions.Default, new SampleRandom(1, 2, 3)), Augmentation.Draw(AugmentationOptions.Default, new SampleRandom(1, 3, 2)));
    }

    [Fact]
    public void Draw_ManyFrames_FillsTheRangesEvenly()
    {
        AugmentationOptions options = AugmentationOptions.Default;
        List<Augmentation> drawn = [.. Enumerable.Range(0, 4000).Select(i => Augmentation.Draw(options, new SampleRandom(7, i / 100, i % 100)))];

        Assert.InRange(drawn.Average(a => a.Flip ? 1 : 0), 0.46, 0.54);
        Assert.InRange(drawn.Average(a => a.BlurSigma > 0 ? 1 : 0), 0.12, 0.18);
        Assert.InRange(drawn.Average(a => a.RotateDegrees), -0.2, 0.2);
        Assert.InRange(drawn.Max(a => a.RotateDegrees), 3.9, 4);
        Assert.InRange(drawn.Min(a => a.Scale), 0.88, 0.882);
        Assert.All(drawn, a => Assert.InRange(a.ShiftX, -0.08, 0.08));
        Assert.InRange(drawn.Max(a => a.BlurSigma), 1.15, 1.2);
    }

    [Fact]
    public void Draw_NoneAndOneSwitchedOff_LeavesTheRestAsItWas()
    {
        Assert.True(AugmentationOptions.None.IsNone);
        Assert.False(AugmentationOptions.Default.IsNone);
        Assert.Equal(Augmentation.None, Augmentation.Draw(AugmentationOptions.None, new SampleRandom(5, 6, 7)));
        Augmentation all = Augmentation.Draw(AugmentationOptions.Default, new SampleRandom(5, 6, 7));
        Assert.Equal(all with { HueDegrees = 0 }, Augmentation.Draw(AugmentationOptions.Default with { HueDegrees = 0 }, new SampleRandom(5, 6, 7)));
        Assert.Throws<BadInputException>(() => new AugmentationOptions { Scale = 0.9 }.Validate());
    }

    [Fact]
    public void Transform_Flip_MirrorsTheOuterPixels()
    {
        Matrix3x2 transform = (Augmentation.None with { Flip = true }).Transform(Size);

        Assert.Equal(new Vector2(319, 5), Vector2.Transform(new Vector2(0, 5), transform));
    }

    [Fact]
    public void Apply_Flip_MirrorsEveryPixelExactly()
    {
        using PixelBuffer source = Noise();
        using var augmenter = new ImageAugmenter(Size);

        byte[] flipped = Applied(augmenter, source, Augmentation.None with { Flip = true });

        for (int pixel = 0; pixel < Size.Width * Size.Height; pixel++)
        {
            int mirrored = pixel - (pixel % Size.Width) + Size.Width - 1 - (pixel % Size.Width);
            Assert.Equal(source.Bytes.Slice(4 * mirrored, 3), flipped.AsSpan(4 * pixel, 3));
        }
    }

    [Fact]
    public void Apply_Affine_MatchesBilinearInterpolationInDoubles()
    {
        using PixelBuffer source = Noise();
        using var augmenter = new ImageAugmenter(Size);
        Augmentation augmentation = Augmentation.None with { RotateDegrees = 3, Scale = 1.1, ShiftX = 0.05, Flip = true };
        byte[] changed = Applied(augmenter, source, augmentation);
        Assert.True(Matrix3x2.Invert(augmentation.Transform(Size), out Matrix3x2 back));

        for (int y = 0; y < Size.Height; y++)
        {
            for (int x = 0; x < Size.Width; x++)
            {
                Vector2 from = Vector2.Transform(new Vector2(x, y), back);
                int left = (int)MathF.Floor(from.X);
                int top = (int)MathF.Floor(from.Y);
                if (left >= 0 && top >= 0 && left < Size.Width - 1 && top < Size.Height - 1)
                {
                    double fx = from.X - left;
                    double fy = from.Y - top;
                    double expected = (At(source, left, top) * (1 - fx) * (1 - fy)) + (At(source, left + 1, top) * fx * (1 - fy))
                        + (At(source, left, top + 1) * (1 - fx) * fy) + (At(source, left + 1, top + 1) * fx * fy);
                    Assert.InRange(changed[4 * ((y * Size.Width) + x)] - expected, -2.5, 2.5);
                }
                else if (left < -1 || left > Size.Width)
                {
                    Assert.Equal(124, changed[4 * ((y * Size.Width) + x)]);
                }
            }
        }
    }

    [Fact]
    public void Apply_Colours_MatchesTheFormula()
    {
        using PixelBuffer source = Noise();
        using var augmenter = new ImageAugmenter(Size);
        byte[] changed = Applied(augmenter, source, Augmentation.None with { Brightness = 1.2, Contrast = 0.8 });
        byte[] turned = Applied(augmenter, source, Augmentation.None with { HueDegrees = 20 });

        double lumaChange = 0;
        for (int i = 0; i < changed.Length; i += 4)
        {
            Assert.InRange(changed[i] - Math.Clamp((source.Bytes[i] * 1.2 * 0.8) + (127.5 * 0.2), 0, 255), -0.51, 0.51);
            lumaChange += Luma(turned.AsSpan(i)) - Luma(source.Bytes[i..]);
        }

        Assert.InRange(lumaChange / (changed.Length / 4), -3, 3);
        Assert.NotEqual(source.Bytes.ToArray(), turned);

        static double Luma(ReadOnlySpan<byte> rgb) => (0.299 * rgb[0]) + (0.587 * rgb[1]) + (0.114 * rgb[2]);
    }

    [Fact]
    public void Apply_Blur_SpreadsAPointAsAGaussianAndKeepsConstants()
    {
        using var source = new PixelBuffer();
        source.Resize(Size);
        source.Bytes.Fill(40);
        int centre = 4 * ((90 * Size.Width) + 160);
        source.Bytes[centre] = 240;
        using var augmenter = new ImageAugmenter(Size);

        byte[] blurred = Applied(augmenter, source, Augmentation.None with { BlurSigma = 1 });

        Assert.InRange(blurred[centre] - 40, 200 * 0.155, 200 * 0.165);
        Assert.InRange(blurred[centre + 4] - 40, 200 * 0.091, 200 * 0.103);
        Assert.Equal(blurred[centre + 4], blurred[centre - 4]);
        Assert.Equal(blurred[centre + (4 * Size.Width)], blurred[centre - (4 * Size.Width)]);
        Assert.Equal(40, blurred[0]);
        Assert.Equal(40, blurred[^4]);
    }

    [Fact]
    public void ApplyToMask_Affine_SitsWhereTheImageSits()
    {
        using PixelBuffer source = Noise();
        byte[] mask = new byte[Size.Width * Size.Height];
        for (int i = 0; i < mask.Length; i++)
        {
            bool inside = i % Size.Width is > 100 and < 160 && i / Size.Width is > 60 and < 120;
            mask[i] = inside ? (byte)1 : (byte)0;
            source.Bytes.Slice(4 * i, 3).Fill(inside ? (byte)255 : (byte)0);
        }

        using var augmenter = new ImageAugmenter(Size);
        Augmentation augmentation = Augmentation.None with { Flip = true, RotateDegrees = 4, ShiftY = 0.03, Scale = 0.9 };
        byte[] image = Applied(augmenter, source, augmentation);

        augmenter.ApplyToMask(mask, augmentation);

        int differences = 0;
        int lane = 0;
        for (int i = 0; i < mask.Length; i++)
        {
            bool surround = image[4 * i] == 124 && image[(4 * i) + 1] == 116;
            differences += !surround && (image[4 * i] > 127) != (mask[i] == 1) ? 1 : 0;
            lane += mask[i];
        }

        Assert.InRange(lane, 2500, 3100);
        Assert.InRange(differences, 0, 30);
    }

    private static PixelBuffer Noise()
    {
        var buffer = new PixelBuffer();
        buffer.Resize(Size);
        new Random(1).NextBytes(buffer.Bytes);
        return buffer;
    }

    private static int At(PixelBuffer buffer, int x, int y) => buffer.Bytes[4 * ((y * Size.Width) + x)];

    private static byte[] Applied(ImageAugmenter augmenter, PixelBuffer source, Augmentation augmentation)
    {
        byte[] result = new byte[PixelBuffer.ByteCount(Size)];
        System.Runtime.InteropServices.Marshal.Copy(augmenter.Apply(source.Address, augmentation), result, 0, result.Length);
        return result;
    }
}
