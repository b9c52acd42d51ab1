using System.Text.RegularExpressions;

namespace Convoy.Analysis.Rendering.Charts;

/// <summary>The style sheet of drawings.</summary>
public static partial class ChartStyle
{
    // The drawing's own tag and class in front of every selector.
    private const string Scope = ".plot ";
    private const string Text = "text";

    private static readonly (string[] Selectors, (string Property, string Value)[] Declarations)[] Light;

    static ChartStyle()
    {
        Rules = Resource.Text("chart.css");
        Variables = Resource.Text("colors.css");
        LightRules = WithColors(Rules, Variables);
        Light = [.. Rule().Matches(LightRules).Select(rule => (Selectors(rule.Groups["selectors"].Value), Declarations(rule.Groups["declarations"].Value)))];
    }

    /// <summary>The rules; colours are the variables that <see cref="Variables"/> defines.</summary>
    public static string Rules { get; }

    /// <summary>The colours, light and dark.</summary>
    public static string Variables { get; }

    /// <summary>The rules with the light colours put in, for programs that know no variables.</summary>
    public static string LightRules { get; }

    /// <summary>What <see cref="LightRules"/> say of an element: the declarations of the rules that it meets, later ones over earlier ones.</summary>
    /// <param name="classes">The element's classes.</param>
    /// <param name="isText">Whether it is a text.</param>
    internal static IReadOnlyDictionary<string, string> Resolve(string classes, bool isText = false)
    {
        string[] names = [.. classes.Split(' ').Select(name => $".{name}"), .. isText ? [Text] : Array.Empty<string>()];
        var style = new Dictionary<string, string>();
        foreach ((string property, string value) in Light.Where(rule => rule.Selectors.Any(names.Contains)).SelectMany(rule => rule.Declarations))
        {
            style[property] = value;
        }

        return style;
    }

    // The first definition of a variable is the light one.
    private static string WithColors(string rules, string variables)
    {
        foreach (Match definition in Definition().Matches(variables).DistinctBy(m => m.Groups["name"].Value))
        {
            rules = rules.Replace($"var(--{definition.Groups["name"].Value})", definition.Groups["value"].Value.Trim(), StringComparison.Ordinal);
        }

        return rules.TrimEnd();
    }

    private static string[] Selectors(string selectors) =>
        [.. selectors.Split(',', StringSplitOptions.TrimEntries).Select(selector => selector.StartsWith(Scope, StringComparison.Ordinal) ? selector[Scope.Length..] : selector)];

    // Of the shorthand "font" only the size counts: families are the system's matter.
    private static (string Property, string Value)[] Declarations(string declarations) =>
    [
        .. declarations.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(declaration => declaration.Split(':', 2, StringSplitOptions.TrimEntries))
            .Select(parts => parts[0] == "font" ? ("font-size", parts[1].Split(' ')[0]) : (parts[0], parts[1])),
    ];

    [GeneratedRegex("--(?<name>[a-z-]+):(?<value>[^;]+);")]
    private static partial Regex Definition();

    [GeneratedRegex(@"(?<selectors>[^{}]+)\{(?<declarations>[^}]*)\}")]
    private static partial Regex Rule();
}
