using System.Text.RegularExpressions;

namespace Convoy.Analysis.Rendering.Svg;

/// <summary>The style sheet of drawings.</summary>
public static partial class SvgStyle
{
    /// <summary>The rules; colours are the variables that <see cref="Variables"/> defines.</summary>
    public static string Rules { get; } = Resource.Text("chart.css");

    /// <summary>The colours, light and dark.</summary>
    public static string Variables { get; } = Resource.Text("colors.css");

    /// <summary>The rules with the light colours put in, for programs that know no variables.</summary>
    public static string LightRules { get; } = Resolve(Rules, Variables);

    /// <summary>The light value of a colour variable, such as <c>#0072b2</c>.</summary>
    /// <param name="name">The variable without its hyphens, such as <c>blue</c>.</param>
    /// <exception cref="ArgumentException">There is no such variable.</exception>
    public static string Light(string name) =>
        Definition().Matches(Variables).FirstOrDefault(m => m.Groups["name"].Value == name)?.Groups["value"].Value.Trim()
        ?? throw new ArgumentException($"colors.css has no variable --{name}.", nameof(name));

    // The first definition of a variable is the light one.
    private static string Resolve(string rules, string variables)
    {
        foreach (Match definition in Definition().Matches(variables).DistinctBy(m => m.Groups["name"].Value))
        {
            rules = rules.Replace($"var(--{definition.Groups["name"].Value})", definition.Groups["value"].Value.Trim(), StringComparison.Ordinal);
        }

        return rules.TrimEnd();
    }

    [GeneratedRegex("--(?<name>[a-z-]+):(?<value>[^;]+);")]
    private static partial Regex Definition();
}
