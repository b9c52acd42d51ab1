namespace Convoy.Torch.Kernels;

/// <summary>What processors move between their caches at a time. A wide vector that lies across two takes twice as long, and longer when it was just written.</summary>
internal static unsafe class CacheLine
{
    /// <summary>Its bytes, on all processors that .NET runs on but a few.</summary>
    public const int Bytes = 64;

    /// <summary>Its float32 numbers.</summary>
    public const int Floats = Bytes / sizeof(float);

    /// <summary>The first border from an address on.</summary>
    /// <param name="start">Memory with room for <see cref="Bytes"/> more than are used.</param>
    public static void* Align(void* start) => (void*)(((nint)start + Bytes - 1) & -Bytes);
}
