using System.Globalization;

namespace Convoy.Cli;

/// <summary>Checks of options that are no settings of a run, in the words of those that are.</summary>
internal static class CommandLineChecks
{
    /// <summary>Refuses a number of threads below 1.</summary>
    public static void Threads(int threads) => InRange("--threads", threads, 1, int.MaxValue);

    /// <summary>Refuses a value outside a range: <c>--workers must be at least 1 and at most 256 (got 0).</c></summary>
    /// <param name="option">The option.</param>
    /// <param name="value">Its value.</param>
    /// <param name="least">The least value.</param>
    /// <param name="most">The greatest; <see cref="int.MaxValue"/> for none.</param>
    /// <exception cref="BadInputException">The value is outside.</exception>
    public static void InRange(string option, double value, double least, double most) => Require(value >= least && value <= most, option, $"at least {Text(least)}", most, value);

    /// <summary>Refuses a value that is not above 0, or above a limit.</summary>
    /// <inheritdoc cref="InRange"/>
    public static void AboveZero(string option, double value, double most) => Require(value > 0 && value <= most, option, "above 0", most, value);

    private static void Require(bool holds, string option, string from, double most, double value)
    {
        if (!holds)
        {
            throw new BadInputException($"{option} must be {from}{(most < int.MaxValue ? $" and at most {Text(most)}" : string.Empty)} (got {Text(value)}).");
        }
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
