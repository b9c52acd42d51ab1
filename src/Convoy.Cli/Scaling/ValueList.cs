using System.Globalization;

namespace Convoy.Cli.Scaling;

/// <summary>Values of an option, separated by commas.</summary>
internal static class ValueList
{
    /// <summary>The parts of <paramref name="text"/>.</summary>
    public static IReadOnlyList<T> Parse<T>(string text, Func<string, T> value) => [.. text.Split(',', StringSplitOptions.TrimEntries).Select(value)];

    /// <summary>Whole numbers.</summary>
    /// <param name="text">The option's value.</param>
    /// <param name="option">The option.</param>
    /// <param name="words">Words that stand for numbers.</param>
    /// <exception cref="BadInputException">A part is no number and none of the words.</exception>
    public static IReadOnlyList<int> Numbers(string text, string option, params (string Word, int Number)[] words) => Parse(text, part =>
        Array.Find(words, w => w.Word == part) is { Word: not null } word ? word.Number
        : int.TryParse(part, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && !words.Any(w => w.Number == number) ? number
        : throw new BadInputException($"{option} must be whole numbers{string.Concat(words.Select(w => $" or {w.Word}"))}, separated by commas (got {BadInputException.Excerpt(part)})."));
}
