using System.Globalization;
using Convoy.Training;

namespace Convoy.Cli.Scaling;

/// <summary>Values of an option, separated by commas.</summary>
internal static class ValueList
{
    /// <summary>The parts of <paramref name="text"/>.</summary>
    public static IReadOnlyList<T> Parse<T>(string text, Func<string, T> value) => [.. text.Split(',', StringSplitOptions.TrimEntries).Select(value)];

    /// <summary>Whole numbers.</summary>
    /// <param name="text">The option's value.</param>
    /// <param name="what">What is said of a part that is none.</param>
    /// <param name="remedy">What to do about it.</param>
    /// <param name="words">Words that stand for numbers.</param>
    /// <exception cref="BadInputException">A part is no number and none of the words.</exception>
    public static IReadOnlyList<int> Numbers(string text, string what, string remedy, params (string Word, int Number)[] words) => Parse(text, part =>
        Array.Find(words, w => w.Word == part) is { Word: not null } word ? word.Number
        : int.TryParse(part, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && !words.Any(w => w.Number == number) ? number
        : throw new BadInputException(what, part, remedy));
}
