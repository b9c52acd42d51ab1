using Convoy.Analysis.Runs;

namespace Convoy.Analysis.Bottlenecks;

/// <summary>A cause of lost time in one configuration: in words, and with the numbers it stands on.</summary>
/// <param name="Kind">What it is, for programs: a name in snake_case, such as <c>data_loading</c>. Each rule has its own.</param>
/// <param name="Configuration">Where it was seen.</param>
/// <param name="Title">The cause in a few words.</param>
/// <param name="Seen">What was seen: one or more sentences.</param>
/// <param name="Lost">What it costs, with numbers: a sentence.</param>
/// <param name="Advice">What to do about it: one sentence.</param>
/// <param name="LostSeconds">Seconds lost against ideal scaling from the baseline; of noise, the seconds that cannot be told from chance.</param>
/// <param name="Share"><paramref name="LostSeconds"/> as a share of the configuration's time.</param>
/// <param name="Threshold">The share from which it is named.</param>
/// <param name="Evidence">The numbers.</param>
public sealed record Conclusion(
    string Kind,
    Configuration Configuration,
    string Title,
    string Seen,
    string Lost,
    string Advice,
    double LostSeconds,
    double Share,
    double Threshold,
    IReadOnlyList<Evidence> Evidence)
{
    private const double Notable = 0.05;
    private const double Major = 0.15;

    /// <summary>What was seen and what it costs.</summary>
    public string Explanation => $"{Seen} {Lost}";

    /// <summary>How much it matters.</summary>
    public Severity Severity => Share >= Major ? Severity.Major : Share >= Notable ? Severity.Notable : Severity.Minor;
}

/// <summary>A cause with all configurations in which it was seen: what a report shows as one.</summary>
/// <param name="Places">A conclusion for each configuration, the one that it costs most first; at least one, all of one kind and title.</param>
public sealed record Cause(IReadOnlyList<Conclusion> Places)
{
    /// <summary>What it is, see <see cref="Conclusion.Kind"/>.</summary>
    public string Kind => Places[0].Kind;

    /// <summary>The cause in a few words.</summary>
    public string Title => Places[0].Title;

    /// <summary>What was seen, once where it is the same in several configurations, without what it costs.</summary>
    public string Seen => string.Join(" ", Places.Select(p => p.Seen).Distinct());

    /// <summary>What was seen and what it costs in each configuration.</summary>
    public string Explanation =>
        Places.Select(p => p.Seen).Distinct().Count() == 1 ? $"{Seen} {string.Join(" ", Places.Select(p => p.Lost))}" : string.Join(" ", Places.Select(p => p.Explanation));

    /// <summary>What to do about it.</summary>
    public string Advice => string.Join(" ", Places.Select(p => p.Advice).Distinct());

    /// <summary>The largest share of a configuration's time that it takes.</summary>
    public double Share => Places[0].Share;

    /// <summary>How much it matters, where it matters most.</summary>
    public Severity Severity => Places[0].Severity;

    /// <summary>Puts conclusions together that name the same cause; the one that costs the largest share first.</summary>
    public static IReadOnlyList<Cause> Group(IEnumerable<Conclusion> conclusions) =>
    [
        .. conclusions.GroupBy(c => (c.Kind, c.Title)).Select(g => new Cause([.. g.OrderByDescending(c => c.Share)])).OrderByDescending(c => c.Share),
    ];
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
