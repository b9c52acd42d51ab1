using System.Globalization;

namespace Convoy.Training;

/// <summary>A count with its noun, for messages: <c>1 picture</c>, <c>2 pictures</c>.</summary>
public static class Quantity
{
    /// <summary>The count and the noun, in the plural unless the count is 1.</summary>
    /// <param name="count">How many.</param>
    /// <param name="noun">The noun in the singular; its plural ends in s.</param>
    public static string Format(int count, string noun) => string.Create(CultureInfo.InvariantCulture, $"{count} {noun}{(count == 1 ? "" : "s")}");
}
