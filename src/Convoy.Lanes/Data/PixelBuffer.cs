using System.Runtime.InteropServices;
using SkiaSharp;

namespace Convoy.Lanes.Data;

/// <summary>Native memory for one image of 4 bytes per pixel (red, green, blue, unused), rows without padding.</summary>
internal sealed unsafe class PixelBuffer : IDisposable
{
    private const nuint Alignment = 64;

    private byte* _pixels;
    private nuint _capacity;

    /// <summary>Where the pixels are; null until <see cref="Resize"/>.</summary>
    public nint Address => (nint)_pixels;

    /// <summary>The size in pixels.</summary>
    public ImageSize Size { get; private set; }

    /// <summary>The pixels' bytes.</summary>
    public Span<byte> Bytes => new(_pixels, ByteCount(Size));

    /// <summary>How Skia sees such a buffer: plain numbers without a colour space.</summary>
    public static SKImageInfo Info(ImageSize size) => new(size.Width, size.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);

    /// <summary>How many bytes an image takes.</summary>
    public static int ByteCount(ImageSize size) => checked(size.Width * size.Height * 4);

    /// <summary>Makes room for an image of this size; what was in the buffer is lost.</summary>
    public void Resize(ImageSize size)
    {
        nuint bytes = (nuint)ByteCount(size);
        if (bytes > _capacity)
        {
            Free();
            _pixels = (byte*)NativeMemory.AlignedAlloc(bytes, Alignment);
            _capacity = bytes;
        }

        Size = size;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the memory of a buffer that was not disposed.</summary>
    ~PixelBuffer() => Free();

    private void Free()
    {
        NativeMemory.AlignedFree(_pixels);
        _pixels = null;
        _capacity = 0;
    }
}
