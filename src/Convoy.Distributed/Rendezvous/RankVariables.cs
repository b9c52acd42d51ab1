using System.Globalization;

namespace Convoy.Distributed.Rendezvous;

/// <summary>The environment's variables as numbers, with errors that name the variable, its value and where the rank comes from.</summary>
internal sealed class RankVariables
{
    private readonly Func<string, string?> _variable;

    /// <param name="variable">Gives a variable's value or null.</param>
    /// <param name="source">Who set the ranks, for messages.</param>
    public RankVariables(Func<string, string?> variable, string source)
    {
        _variable = variable;
        Source = source;
    }

    public string Source { get; }

    /// <summary>The variable's value; null when it is empty or not set.</summary>
    public string? Text(string name) => _variable(name) is { Length: > 0 } value ? value : null;

    /// <summary>The variable as a whole number from <paramref name="least"/> to <paramref name="most"/>; <paramref name="fallback"/> when it is not set.</summary>
    /// <exception cref="Errors.RendezvousException">It is wrong, or not set and there is no fallback.</exception>
    public int Number(string name, int? fallback, int least, int most)
    {
        string remedy = FormattableString.Invariant($"Set it to a whole number from {least} to {most}, or start the program with a launcher, which sets it.");
        return Text(name) is not { } text ? fallback ?? throw Wrong(name, "not set", remedy)
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number
            : throw Wrong(name, text, remedy);
    }

    /// <summary>The error for a variable that cannot be used.</summary>
    public Errors.RendezvousException Wrong(string name, string value, string remedy) =>
        new($"environment variable {name} is wrong ({value}; the ranks come from {Source}). {remedy}");
}
