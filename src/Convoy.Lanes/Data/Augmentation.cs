using System.Numerics;
using Convoy.Training.Loading;

namespace Convoy.Lanes.Data;

/// <summary>
/// One random change of a frame, drawn from <see cref="AugmentationOptions"/>. The geometric part moves image and lane
/// points alike, and the mask is drawn from the moved points; the rest changes the image's colours only.
/// </summary>
/// <param name="Flip">Whether left and right are mirrored.</param>
/// <param name="Brightness">The factor of brightness; 1 changes nothing.</param>
/// <param name="Contrast">The factor of the distance from mid-grey; 1 changes nothing.</param>
/// <param name="HueDegrees">The turn of the colours, in degrees.</param>
/// <param name="RotateDegrees">The turn about the centre, in degrees, clockwise as seen.</param>
/// <param name="Scale">The factor of size about the centre.</param>
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
    /// Draws a change. Each of its numbers uses its own draw, so that switching one change off leaves the others as they were.
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
    /// Where a pixel goes: mirrored first, then turned and scaled about the centre, then shifted. In centre coordinates (see
    /// <see cref="ImageGeometry"/>) at the network's size, where the turn and the scale take place.
    /// </summary>
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
