using System.Text.RegularExpressions;

namespace Convoy.Architecture.Tests;

/// <summary>
/// Which folder uses which, over all projects under src. A file uses another folder when it names one of its types, and may do so: it says <c>using</c>, or the folder is
/// one above its own, whose types a file sees without saying so.
/// </summary>
internal sealed partial class FolderGraph
{
    // Where everything is put together: they name what they choose from, and nothing names them but who starts.
    private static readonly string[] CompositionRoots = ["src/Convoy.Cli/Program.cs", "src/Convoy.Distributed/ProcessGroups.cs"];

    private readonly Dictionary<string, HashSet<string>> _types = [];
    private readonly Dictionary<(string From, string To), string> _uses = [];

    private FolderGraph()
    {
    }

    /// <summary>Every use, with a file in which it stands.</summary>
    public IReadOnlyDictionary<(string From, string To), string> Uses => _uses;

    /// <summary>Reads the sources.</summary>
    public static FolderGraph Read()
    {
        var graph = new FolderGraph();
        (string File, string Namespace, string Code)[] sources = [.. from file in Repository.SourceFiles let code = Code(file) select (file, NamespaceOf(file), code)];
        foreach ((_, string at, string code) in sources)
        {
            graph._types.TryAdd(at, []);
            graph._types[at].UnionWith(DeclaredType().Matches(code).Select(match => match.Groups["name"].Value));
        }

        foreach ((string file, string at, string code) in sources.Where(source => !CompositionRoots.Contains(source.File)))
        {
            HashSet<string> words = [.. Word().Matches(code).Select(match => match.Value)];
            IEnumerable<string> visible = Using().Matches(code).Select(match => match.Groups["name"].Value).Concat(Above(at));
            foreach (string other in visible.Where(other => other != at && graph._types.TryGetValue(other, out HashSet<string>? types) && types.Except(graph._types[at]).Any(words.Contains)))
            {
                graph._uses.TryAdd((at, other), file);
            }
        }

        return graph;
    }

    /// <summary>Folders that use each other, over whatever way: each as a list of its uses.</summary>
    public IEnumerable<string> Circles() =>
        from use in _uses
        where Reaches(use.Key.To, use.Key.From)
        orderby use.Key.From, use.Key.To
        select $"{use.Key.From} uses {use.Key.To} ({use.Value})";

    private bool Reaches(string from, string target)
    {
        var seen = new HashSet<string> { from };
        var open = new Stack<string>([from]);
        while (open.TryPop(out string? at))
        {
            if (at == target)
            {
                return true;
            }

            foreach ((_, string to) in _uses.Keys.Where(use => use.From == at))
            {
                if (seen.Add(to))
                {
                    open.Push(to);
                }
            }
        }

        return false;
    }

    // Convoy.Distributed.Nn.Hooks: Convoy.Distributed.Nn, Convoy.Distributed, and Convoy, which has no types.
    private static IEnumerable<string> Above(string name)
    {
        for (int dot = name.LastIndexOf('.'); dot > 0; dot = name.LastIndexOf('.', dot - 1))
        {
            yield return name[..dot];
        }
    }

    // src/Convoy.Lanes/Data/X.cs -> Convoy.Lanes.Data
    private static string NamespaceOf(string file) => string.Join('.', file.Split('/')[1..^1]);

    // What documentation, comments and texts name is no use.
    private static string Code(string file) => NoCode().Replace(Repository.Text(file), " ");

    [GeneratedRegex(@"//[^\n]*|""(\\.|[^""\\\n])*""")]
    private static partial Regex NoCode();

    [GeneratedRegex(@"^using (static )?(?<name>Convoy(\.\w+)+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    [GeneratedRegex(@"\b(class|record struct|record|struct|interface|enum|delegate [\w<>?\[\], ]+?) (?<name>[A-Z]\w+)")]
    private static partial Regex DeclaredType();

    [GeneratedRegex(@"\b[A-Z]\w+")]
    private static partial Regex Word();
}
