using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>A cause of lost time in one configuration: in words, and with the numbers it stands on.</summary>
/// <param name="Kind">What it is, for programs: a name in snake_case, such as <c>data_loading</c>. Each rule has its own.</param>
/// <param name="Configuration">Where it was seen.</param>
/// <param name="Title">The cause in a few words.</param>
/// <param name="Explanation">What was seen, with numbers: one or two sentences.</param>
/// <param name="Advice">What to do about it: one sentence.</param>
/// <param name="LostSeconds">Seconds lost against ideal scaling from the baseline; of noise, the seconds that cannot be told from chance.</param>
/// <param name="Share"><paramref name="LostSeconds"/> as a share of the configuration's time.</param>
/// <param name="Threshold">The share from which it is named.</param>
/// <param name="Evidence">The numbers.</param>
public sealed record Conclusion(
    string Kind,
    Configuration Configuration,
    string Title,
    string Explanation,
    string Advice,
    double LostSeconds,
    double Share,
    double Threshold,
    IReadOnlyList<Evidence> Evidence)
{
    private const double Notable = 0.05;
    private const double Major = 0.15;

    /// <summary>How much it matters.</summary>
    public Severity Severity => Share >= Major ? Severity.Major : Share >= Notable ? Severity.Notable : Severity.Minor;
}

/// <summary>How much of the time a cause takes.</summary>
public enum Severity
{
    /// <summary>Under 5 %.</summary>
    Minor,

    /// <summary>5 % to 15 %.</summary>
    Notable,

    /// <summary>15 % or more.</summary>
    Major,
}

/// <summary>A number on which a conclusion stands.</summary>
/// <param name="Name">What it is, in words.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit: <c>s</c>, <c>share</c>, what samples are called, or empty for a count.</param>
public sealed record Evidence(string Name, double Value, string Unit)
{
    /// <summary>The number in words, with its unit.</summary>
    public string ValueText => Unit switch
    {
        "s" => Wording.Seconds(Value),
        "share" => Wording.Percent(Value),
        "" => Wording.Text($"{Value:0.##}"),
        _ => Wording.Text($"{Value:0.##} {Unit}"),
    };
}
