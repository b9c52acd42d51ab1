using System.Globalization;
using System.Numerics;
using Convoy.Training.Loading;

namespace Convoy.Lanes.Data;

/// <summary>
/// One random change of a frame, drawn from <see cref="AugmentationOptions"/>. The geometric part moves image and lane points alike,
/// and the mask is drawn from the moved points; the rest changes the colours of the image only.
/// </summary>
/// <param name="Flip">Whether left and right are mirrored.</param>
/// <param name="Brightness">The factor of brightness; 1 changes nothing.</param>
/// <param name="Contrast">The factor of the distance from mid-grey; 1 changes nothing.</param>
/// <param name="HueDegrees">The rotation of the hue, in degrees.</param>
/// <param name="RotateDegrees">The rotation about the centre, in degrees, clockwise in the picture.</param>
/// <param name="Scale">The scale about the centre.</param>
/// <param name="ShiftX">The shift to the right as a share of the width.</param>
/// <param name="ShiftY">The shift downwards as a share of the height.</param>
/// <param name="BlurSigma">The blur's standard deviation in pixels at the network's size; 0 for none.</param>
public sealed record Augmentation(
    bool Flip,
    double Brightness,
    double Contrast,
    double HueDegrees,
    double RotateDegrees,
    double Scale,
    double ShiftX,
    double ShiftY,
    double BlurSigma)
{
    private const double SmallestBlur = 0.4;

    /// <summary>No change.</summary>
    public static Augmentation None { get; } = new(false, 1, 1, 0, 0, 1, 0, 0, 0);

    /// <summary>Whether image and points stay where they are.</summary>
    public bool KeepsGeometry => !Flip && RotateDegrees == 0 && Scale == 1 && ShiftX == 0 && ShiftY == 0;

    /// <summary>Whether the colours stay as they are.</summary>
    public bool KeepsColours => Brightness == 1 && Contrast == 1 && HueDegrees == 0;

    /// <summary>
    /// Draws a change. Each of its numbers takes one draw, so switching one off leaves the others as they were.
    /// </summary>
    /// <param name="options">The ranges.</param>
    /// <param name="random">The frame's random numbers in this epoch.</param>
    public static Augmentation Draw(AugmentationOptions options, SampleRandom random)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(random);
        bool flip = random.NextDouble() < options.FlipProbability;
        double brightness = 1 + random.NextSymmetric(options.Brightness);
        double contrast = 1 + random.NextSymmetric(options.Contrast);
        double hue = random.NextSymmetric(options.HueDegrees);
        double rotate = random.NextSymmetric(options.RotateDegrees);
        double scale = 1 + random.NextSymmetric(options.Scale);
        double shiftX = random.NextSymmetric(options.ShiftX);
        double shiftY = random.NextSymmetric(options.ShiftY);
        bool blurs = random.NextDouble() < options.BlurProbability;
        double sigma = SmallestBlur + (random.NextDouble() * Math.Max(0, options.BlurSigma - SmallestBlur));
        return new(flip, brightness, contrast, hue, rotate, scale, shiftX, shiftY, blurs && options.BlurSigma > 0 ? sigma : 0);
    }

    /// <summary>
    /// Where a pixel goes: mirrored first, then rotated and scaled about the centre, then shifted. In coordinates of pixel centres (see
    /// <see cref="ImageGeometry"/>) at the network's size, which is where rotation and scale apply.
    /// </summary>
    /// <param name="size">The network's size.</param>
    public Matrix3x2 Transform(ImageSize size)
    {
        var centre = new Vector2((size.Width - 1) / 2f, (size.Height - 1) / 2f);
        var mirror = new Matrix3x2(Flip ? -1 : 1, 0, 0, 1, Flip ? size.Width - 1 : 0, 0);
        return mirror
            * Matrix3x2.CreateRotation((float)(RotateDegrees * Math.PI / 180), centre)
            * Matrix3x2.CreateScale((float)Scale, centre)
            * Matrix3x2.CreateTranslation((float)(ShiftX * size.Width), (float)(ShiftY * size.Height));
    }
}

/// <summary>
/// How far training frames are changed at random. Each frame gets new random numbers in each epoch; a range of 0 switches a change off.
/// </summary>
public sealed record AugmentationOptions
{
    /// <summary>No change at all: for validation.</summary>
    public static AugmentationOptions None { get; } = new()
    {
        FlipProbability = 0,
        Brightness = 0,
        Contrast = 0,
        HueDegrees = 0,
        RotateDegrees = 0,
        Scale = 0,
        ShiftX = 0,
        ShiftY = 0,
        BlurProbability = 0,
        BlurSigma = 0,
    };

    /// <summary>The defaults: moderate changes, for training from scratch on a few hundred frames.</summary>
    public static AugmentationOptions Default { get; } = new();

    /// <summary>The probability of mirroring left and right. Default 0.5; 0 to 1.</summary>
    public double FlipProbability { get; init; } = 0.5;

    /// <summary>Brightness is multiplied by a factor from 1 - this to 1 + this. Default 0.3; 0 to 1.</summary>
    public double Brightness { get; init; } = 0.3;

    /// <summary>The distance from mid-grey is multiplied by a factor from 1 - this to 1 + this. Default 0.3; 0 to 1.</summary>
    public double Contrast { get; init; } = 0.3;

    /// <summary>The hue is rotated by up to this many degrees either way, luma preserved. Default 10; 0 to 180.</summary>
    public double HueDegrees { get; init; } = 10;

    /// <summary>The picture is rotated about its centre by up to this many degrees either way. Default 4; 0 to 45.</summary>
    public double RotateDegrees { get; init; } = 4;

    /// <summary>The picture is scaled about its centre by a factor from 1 - this to 1 + this. Default 0.12; 0 to 0.5.</summary>
    public double Scale { get; init; } = 0.12;

    /// <summary>The picture is shifted left or right by up to this share of its width. Default 0.08; 0 to 0.5.</summary>
    public double ShiftX { get; init; } = 0.08;

    /// <summary>The picture is shifted up or down by up to this share of its height. Default 0.05; 0 to 0.5.</summary>
    public double ShiftY { get; init; } = 0.05;

    /// <summary>The probability of blurring. Default 0.15; 0 to 1.</summary>
    public double BlurProbability { get; init; } = 0.15;

    /// <summary>The standard deviation of a blur is drawn between 0.4 and this, in pixels at the network's size. Default 1.2; 0 to 8.</summary>
    public double BlurSigma { get; init; } = 1.2;

    /// <summary>Whether nothing is ever changed.</summary>
    public bool IsNone => Never(FlipProbability, Brightness, Contrast, HueDegrees, RotateDegrees, Scale, ShiftX, ShiftY, BlurProbability * BlurSigma);

    /// <summary>Checks that every value is in its range.</summary>
    /// <exception cref="BadInputException">A value is out of its range; the message names the first.</exception>
    public void Validate()
    {
        Require(FlipProbability, 1, nameof(FlipProbability));
        Require(Brightness, 1, nameof(Brightness));
        Require(Contrast, 1, nameof(Contrast));
        Require(HueDegrees, 180, nameof(HueDegrees));
        Require(RotateDegrees, 45, nameof(RotateDegrees));
        Require(Scale, 0.5, nameof(Scale));
        Require(ShiftX, 0.5, nameof(ShiftX));
        Require(ShiftY, 0.5, nameof(ShiftY));
        Require(BlurProbability, 1, nameof(BlurProbability));
        Require(BlurSigma, 8, nameof(BlurSigma));
    }

    private static bool Never(params ReadOnlySpan<double> ranges) => !ranges.ContainsAnyExcept(0.0);

    private static void Require(double value, double largest, string name)
    {
        if (!(value >= 0 && value <= largest))
        {
            throw new BadInputException(
                $"augmentation {name} is out of range",
                value.ToString(CultureInfo.InvariantCulture),
                string.Create(CultureInfo.InvariantCulture, $"Give a number from 0 to {largest}."));
        }
    }
}
