namespace Convoy.Lanes.Data;

/// <summary>Brightness, contrast and hue as one matrix, for values from 0 to 1.</summary>
internal static class ColourMatrix
{
    // Rec. 601's weights of red, green and blue in luma, which turning the hue keeps.
    private const double Red = 0.299;
    private const double Green = 0.587;
    private const double Blue = 0.114;

    /// <summary>
    /// The matrix of 4 rows (red, green, blue, alpha) and 5 columns (the same and a constant): the hue is turned as SVG's
    /// <c>hueRotate</c> does, then brightness multiplied, then the distance from 0.5 multiplied by the contrast.
    /// </summary>
    public static float[] Of(Augmentation augmentation)
    {
        double cos = Math.Cos(augmentation.HueDegrees * Math.PI / 180);
        double sin = Math.Sin(augmentation.HueDegrees * Math.PI / 180);
        double factor = augmentation.Brightness * augmentation.Contrast;
        float offset = (float)(0.5 * (1 - augmentation.Contrast));
        return
        [
            Scaled(Red + (cos * (1 - Red)) - (sin * Red)), Scaled(Green - (cos * Green) - (sin * Green)), Scaled(Blue - (cos * Blue) + (sin * (1 - Blue))), 0, offset,
            Scaled(Red - (cos * Red) + (sin * 0.143)), Scaled(Green + (cos * (1 - Green)) + (sin * 0.140)), Scaled(Blue - (cos * Blue) - (sin * 0.283)), 0, offset,
            Scaled(Red - (cos * Red) - (sin * (1 - Red))), Scaled(Green - (cos * Green) + (sin * Green)), Scaled(Blue + (cos * (1 - Blue)) + (sin * Blue)), 0, offset,
            0, 0, 0, 1, 0,
        ];

        float Scaled(double weight) => (float)(weight * factor);
    }
}
