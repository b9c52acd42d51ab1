using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Convoy.Lanes.Data;

namespace Convoy.Lanes.Tests.Data;

/// <summary>PNG files of kinds that Skia does not write: grey with alpha, palettes, 16 bits, sizes that are not true.</summary>
internal static class TestPng
{
    /// <summary>A whole file.</summary>
    /// <param name="size">The size that the header claims.</param>
    /// <param name="bits">Bits a sample.</param>
    /// <param name="colourType">PNG's: 0 grey, 2 colour, 3 palette, 4 grey and alpha, 6 colour and alpha.</param>
    /// <param name="rows">The rows' bytes, each after its filter's 0.</param>
    /// <param name="palette">The palette, 3 bytes a colour; null for none.</param>
    /// <param name="paletteAlpha">The palette's alpha; null for none.</param>
    public static byte[] Of(ImageSize size, byte bits, byte colourType, byte[] rows, byte[]? palette = null, byte[]? paletteAlpha = null)
    {
        using var file = new MemoryStream();
        file.Write([0x89, .. "PNG\r\n"u8, 0x1A, 0x0A]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, size.Width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), size.Height);
        (header[8], header[9]) = (bits, colourType);
        Chunk(file, "IHDR", header);
        if (palette is not null)
        {
            Chunk(file, "PLTE", palette);
        }

        if (paletteAlpha is not null)
        {
            Chunk(file, "tRNS", paletteAlpha);
        }

        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            zlib.Write(rows);
        }

        Chunk(file, "IDAT", packed.ToArray());
        Chunk(file, "IEND", []);
        return file.ToArray();
    }

    /// <summary>A file whose pixels are all the same.</summary>
    public static byte[] Plain(ImageSize size, byte bits, byte colourType, byte[] pixel, byte[]? palette = null, byte[]? paletteAlpha = null) =>
        Of(size, bits, colourType, [.. Enumerable.Range(0, size.Height).SelectMany(_ => new byte[] { 0 }.Concat(Enumerable.Range(0, size.Width).SelectMany(_ => pixel)))], palette, paletteAlpha);

    private static void Chunk(Stream file, string name, byte[] content)
    {
        byte[] number = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        byte[] body = [.. Encoding.ASCII.GetBytes(name), .. content];
        file.Write(body);
        BinaryPrimitives.WriteUInt32BigEndian(number, Crc(body));
        file.Write(number);
    }

    private static uint Crc(byte[] bytes)
    {
        uint crc = ~0u;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
            }
        }

        return ~crc;
    }
}
