using System.Buffers.Binary;
using ICSharpCode.SharpZipLib.Checksum;
using SkiaSharp;

namespace Convoy.Stress.Mutants.Subjects;

/// <summary>Small pictures in all formats that Convoy reads.</summary>
internal static class Pictures
{
    private const int PngSignatureBytes = 8;

    /// <summary>A picture of each format: PNG in colour without and with alpha and grey, JPEG plain and with an orientation, WebP both ways, GIF, BMP.</summary>
    public static IEnumerable<byte[]> All() =>
    [
        Encoded(48, 36, SKEncodedImageFormat.Png, opaque: true), Encoded(20, 15, SKEncodedImageFormat.Png), Encoded(9, 7, SKEncodedImageFormat.Png, SKColorType.Gray8), Encoded(48, 36, SKEncodedImageFormat.Jpeg),
        Turned(Encoded(32, 24, SKEncodedImageFormat.Jpeg)), Encoded(48, 36, SKEncodedImageFormat.Webp, opaque: true), Encoded(16, 16, SKEncodedImageFormat.Webp, quality: 100), Gif(), Bmp(),
    ];

    /// <summary>A picture with a line and a slope of colours.</summary>
    public static byte[] Encoded(int width, int height, SKEncodedImageFormat format, SKColorType colours = SKColorType.Rgba8888, int quality = 80, bool opaque = false)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, colours, opaque || colours == SKColorType.Gray8 ? SKAlphaType.Opaque : SKAlphaType.Unpremul));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                bitmap.SetPixel(x, y, x == y ? SKColors.White : new SKColor((byte)(x * 5), (byte)(y * 7), 90, (byte)(!opaque && x % 9 == 0 ? 120 : 255)));
            }
        }

        using SKData data = bitmap.Encode(format, quality);
        return data.ToArray();
    }

    /// <summary>A PNG's chunks with their lengths' checksums set right, as far as the chunks can be told apart.</summary>
    public static byte[] WithChecksums(byte[] picture)
    {
        if (!picture.AsSpan().StartsWith((byte[])[0x89, (byte)'P', (byte)'N', (byte)'G']))
        {
            return picture;
        }

        byte[] mended = (byte[])picture.Clone();
        for (int at = PngSignatureBytes; at + 12 <= mended.Length;)
        {
            long length = BinaryPrimitives.ReadUInt32BigEndian(mended.AsSpan(at));
            if (at + 12 + length > mended.Length)
            {
                break;
            }

            var sum = new Crc32();
            sum.Update(new ArraySegment<byte>(mended, at + 4, 4 + (int)length));
            BinaryPrimitives.WriteUInt32BigEndian(mended.AsSpan(at + 8 + (int)length), (uint)sum.Value);
            at += 12 + (int)length;
        }

        return mended;
    }

    // The EXIF block of one entry: orientation 6, a quarter turn.
    private static byte[] Turned(byte[] jpeg)
    {
        byte[] exif = [.. "Exif\0\0MM\0*\0\0\0\b"u8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0];
        return [.. jpeg.AsSpan(0, 2), 0xFF, 0xE1, (byte)((exif.Length + 2) >> 8), (byte)(exif.Length + 2), .. exif, .. jpeg.AsSpan(2)];
    }

    // 2 x 2 pixels of 2 colours: LZW codes clear, 0, 1, 1, 0, end of 3 bits each.
    private static byte[] Gif() =>
    [
        .. "GIF89a"u8, 2, 0, 2, 0, 0x80, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0x21, 0xF9, 4, 0, 0, 0, 0, 0, 0x2C, 0, 0, 0, 0, 2, 0, 2, 0, 0, 2, 3, 0x44, 0x02, 0x05, 0, 0x3B,
    ];

    private static byte[] Bmp()
    {
        const int width = 4, height = 3, header = 54;
        byte[] file = new byte[header + (3 * width * height)];
        "BM"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), header);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), 24);
        file.AsSpan(header).Fill(0x60);
        return file;
    }
}
