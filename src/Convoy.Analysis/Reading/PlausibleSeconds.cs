namespace Convoy.Analysis.Reading;

/// <summary>
/// Which times can have been measured. What lies beyond is damage or a mistaken unit, and in a fit the differences between
/// such times and others are beyond a double's digits.
/// </summary>
internal static class PlausibleSeconds
{
    /// <summary>A nanosecond.</summary>
    public const double Least = 1e-9;

    /// <summary>Some thirty years, times what a sum over processes may make of it.</summary>
    public const double Most = 1e10;

    /// <summary>The range in words.</summary>
    public const string Range = "from 1e-9 to 1e10 seconds";

    /// <summary>Whether a measured time can be <paramref name="seconds"/>.</summary>
    public static bool Contains(double seconds) => seconds is >= Least and <= Most;
}
