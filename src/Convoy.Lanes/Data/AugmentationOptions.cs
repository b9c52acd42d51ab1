using System.Globalization;

namespace Convoy.Lanes.Data;

/// <summary>
/// How far training frames are changed at random. Every change is drawn anew for each frame and epoch; a range of 0
/// switches a change off.
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

    /// <summary>The defaults of the properties: a moderate change, for training from scratch on some hundred frames.</summary>
    public static AugmentationOptions Default { get; } = new();

    /// <summary>The probability of mirroring left and right. Default 0.5; 0 to 1.</summary>
    public double FlipProbability { get; init; } = 0.5;

    /// <summary>Brightness is multiplied by a factor from 1 - this to 1 + this. Default 0.3; 0 to 1.</summary>
    public double Brightness { get; init; } = 0.3;

    /// <summary>The distance from mid-grey is multiplied by a factor from 1 - this to 1 + this. Default 0.3; 0 to 1.</summary>
    public double Contrast { get; init; } = 0.3;

    /// <summary>Colours are turned by up to this many degrees either way, luma kept. Default 10; 0 to 180.</summary>
    public double HueDegrees { get; init; } = 10;

    /// <summary>The picture is turned about its centre by up to this many degrees either way. Default 4; 0 to 45.</summary>
    public double RotateDegrees { get; init; } = 4;

    /// <summary>The picture is scaled about its centre by a factor from 1 - this to 1 + this. Default 0.12; 0 to 0.5.</summary>
    public double Scale { get; init; } = 0.12;

    /// <summary>The picture is shifted across by up to this share of its width either way. Default 0.08; 0 to 0.5.</summary>
    public double ShiftX { get; init; } = 0.08;

    /// <summary>The picture is shifted up or down by up to this share of its height either way. Default 0.05; 0 to 0.5.</summary>
    public double ShiftY { get; init; } = 0.05;

    /// <summary>The probability of blurring. Default 0.15; 0 to 1.</summary>
    public double BlurProbability { get; init; } = 0.15;

    /// <summary>A blur's standard deviation is drawn from 0.4 to this, in pixels at the network's size. Default 1.2; 0 to 8.</summary>
    public double BlurSigma { get; init; } = 1.2;

    /// <summary>Whether nothing is ever changed.</summary>
    public bool IsNone => Never(FlipProbability, Brightness, Contrast, HueDegrees, RotateDegrees, Scale, ShiftX, ShiftY, BlurProbability * BlurSigma);

    /// <summary>Refuses values outside their ranges.</summary>
    /// <exception cref="BadInputException">The first value that is out of its range.</exception>
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
