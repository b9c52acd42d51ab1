using System.Globalization;

namespace Convoy.Cli;

/// <summary>Lengths of time as people read them.</summary>
internal static class Clock
{
    /// <summary><c>1:05</c>, from an hour on <c>1:00:05</c>.</summary>
    public static string Text(TimeSpan span) => span.TotalHours >= 1
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)span.TotalHours}:{span.Minutes:00}:{span.Seconds:00}")
        : string.Create(CultureInfo.InvariantCulture, $"{span.Minutes}:{span.Seconds:00}");
}
