namespace Convoy.Lanes.Data;

/// <summary>What the cache's index says about a frame.</summary>
/// <param name="Original">The size of the image file.</param>
/// <param name="Checksum">The checksum of its pixels and mask.</param>
internal readonly record struct FrameCacheEntry(ImageSize Original, uint Checksum);
