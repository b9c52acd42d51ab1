using System.Runtime.Intrinsics;

namespace Convoy.Lanes.Data;

/// <summary>
/// Brightness, contrast and hue as one matrix of three rows (red, green, blue) and four columns (the same and a constant).
/// The hue is turned as SVG's <c>hueRotate</c> does, then brightness is multiplied, then the distance from mid-grey
/// (127.5) is multiplied by the contrast.
/// </summary>
internal readonly struct ColourMatrix
{
    // Rec. 601's weights of red, green and blue in luma, which turning the hue keeps.
    private const double Red = 0.299;
    private const double Green = 0.587;
    private const double Blue = 0.114;

    private readonly float _rr, _rg, _rb, _gr, _gg, _gb, _br, _bg, _bb, _offset;

    /// <summary>The matrix of an augmentation's colour part.</summary>
    public ColourMatrix(Augmentation augmentation)
    {
        double cos = Math.Cos(augmentation.HueDegrees * Math.PI / 180);
        double sin = Math.Sin(augmentation.HueDegrees * Math.PI / 180);
        double factor = augmentation.Brightness * augmentation.Contrast;
        _rr = (float)(factor * (Red + (cos * (1 - Red)) - (sin * Red)));
        _rg = (float)(factor * (Green - (cos * Green) - (sin * Green)));
        _rb = (float)(factor * (Blue - (cos * Blue) + (sin * (1 - Blue))));
        _gr = (float)(factor * (Red - (cos * Red) + (sin * 0.143)));
        _gg = (float)(factor * (Green + (cos * (1 - Green)) + (sin * 0.140)));
        _gb = (float)(factor * (Blue - (cos * Blue) - (sin * 0.283)));
        _br = (float)(factor * (Red - (cos * Red) - (sin * (1 - Red))));
        _bg = (float)(factor * (Green - (cos * Green) + (sin * Green)));
        _bb = (float)(factor * (Blue + (cos * (1 - Blue)) + (sin * Blue)));
        _offset = (float)(127.5 * (1 - augmentation.Contrast));
    }

    /// <summary>Changes an image's colours; each result is rounded and kept within 0 to 255.</summary>
    /// <param name="source">4 bytes a pixel.</param>
    /// <param name="target">Room for as many; may be the source.</param>
    /// <param name="count">The number of pixels.</param>
    public unsafe void Apply(uint* source, uint* target, int count)
    {
        int i = 0;
        for (; i <= count - Vector256<uint>.Count; i += Vector256<uint>.Count)
        {
            Of(Vector256.Load(source + i)).Store(target + i);
        }

        for (; i < count; i++)
        {
            target[i] = Of(Vector256.CreateScalar(source[i])).ToScalar();
        }
    }

    private static Vector256<float> Channel(Vector256<uint> values) =>
        Vector256.ConvertToSingle((values & Vector256.Create(255u)).AsInt32());

    private Vector256<uint> Of(Vector256<uint> pixels)
    {
        Vector256<float> red = Channel(pixels);
        Vector256<float> green = Channel(pixels >>> 8);
        Vector256<float> blue = Channel(pixels >>> 16);
        return Byte((red * _rr) + (green * _rg) + (blue * _rb))
            | (Byte((red * _gr) + (green * _gg) + (blue * _gb)) << 8)
            | (Byte((red * _br) + (green * _bg) + (blue * _bb)) << 16)
            | (pixels & Vector256.Create(0xFF000000u));
    }

    private Vector256<uint> Byte(Vector256<float> value)
    {
        Vector256<float> clamped = Vector256.Min(Vector256.Max(value + Vector256.Create(_offset), Vector256<float>.Zero), Vector256.Create(255f));
        return Vector256.ConvertToInt32(clamped + Vector256.Create(0.5f)).AsUInt32();
    }
}
