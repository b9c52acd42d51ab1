namespace Convoy.Distributed.Backends;

/// <summary>A range of elements in parts, one for each rank that works on it. Parts start at whole cache lines of the range, so that no two ranks write the same line; the last ones may be empty.</summary>
/// <param name="count">How many elements there are.</param>
/// <param name="elementSize">The size of one in bytes; divides <see cref="LineBytes"/>.</param>
/// <param name="parts">How many parts, at least 1.</param>
internal readonly struct Parts(long count, long elementSize, int parts)
{
    /// <summary>What different ranks write is this far apart, as processors fetch cache lines in pairs.</summary>
    public const long LineBytes = 128;

    private readonly long _part = (((count + parts - 1) / parts) + (LineBytes / elementSize) - 1) / (LineBytes / elementSize) * (LineBytes / elementSize);

    /// <summary>The first element of a part.</summary>
    public long Start(int part) => Math.Min(count, part * _part);

    /// <summary>The number of elements of a part.</summary>
    public long Count(int part) => Math.Min(count, Start(part) + _part) - Start(part);
}
