using System.Globalization;

namespace Convoy.Distributed.Diagnostics;

/// <summary>The steps to trace, counted from 1, both included.</summary>
/// <param name="First">The first; at least 1.</param>
/// <param name="Last">The last; at least <paramref name="First"/>.</param>
public readonly record struct TraceSteps(int First, int Last)
{
    /// <summary>Steps 3 to 5: the first ones set up kernels and buffers.</summary>
    public static TraceSteps Default { get; } = new(3, 5);

    /// <summary>Reads <c>4</c> or <c>3-5</c>.</summary>
    /// <returns>Whether <paramref name="text"/> is of that form.</returns>
    public static bool TryParse(string text, out TraceSteps steps)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('-');
        int last = 0;
        bool valid = parts.Length <= 2 && Number(parts[0], out int first) & Number(parts[^1], out last) && first <= last;
        steps = valid ? new TraceSteps(int.Parse(parts[0], CultureInfo.InvariantCulture), last) : Default;
        return valid;

        static bool Number(string part, out int number) => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number >= 1;
    }

    /// <summary>For example <c>3-5</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}");
}
