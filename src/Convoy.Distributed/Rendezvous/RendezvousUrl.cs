using System.Globalization;

namespace Convoy.Distributed.Rendezvous;

/// <summary>
/// Where the processes of a job meet and which of them this one is, as a URL in the forms of PyTorch's <c>init_method</c>:
/// <list type="bullet">
/// <item><c>env://</c>: the launcher's variables say it, see <see cref="RankEnvironment"/>; <c>rank</c> and <c>world_size</c> in the query win.</item>
/// <item><c>tcp://HOST:PORT?rank=R&amp;world_size=N</c>: rank 0 serves a <see cref="TcpStore"/> there.</item>
/// <item><c>file:///PATH?rank=R&amp;world_size=N</c>: all open a <see cref="FileStore"/> there; the file is new for each job.</item>
/// </list>
/// For <c>tcp</c> and <c>file</c> all ranks are on this machine unless the query says otherwise with <c>local_rank</c> and
/// <c>local_world_size</c>. CONVOY_JOB_SECRET and the variables of a restart count for all forms.
/// </summary>
public sealed record RendezvousUrl
{
    private const string RankKey = "rank";

    private const string WorldSizeKey = "world_size";

    private const string LocalRankKey = "local_rank";

    private const string LocalWorldSizeKey = "local_world_size";

    private RendezvousUrl(string url, RankEnvironment environment, string? filePath)
    {
        Url = url;
        Ranks = environment;
        FilePath = filePath;
    }

    /// <summary>The URL as it was given.</summary>
    public string Url { get; }

    /// <summary>Who this process is. With <c>file://</c> its master address and port say nothing.</summary>
    public RankEnvironment Ranks { get; }

    /// <summary>This process's number.</summary>
    public int Rank => Ranks.Rank;

    /// <summary>How many processes the job has.</summary>
    public int WorldSize => Ranks.WorldSize;

    /// <summary><c>file://</c>: the file's path. Otherwise null.</summary>
    public string? FilePath { get; }

    /// <summary>Reads a URL, and the variables of this process where they count.</summary>
    /// <param name="url">The URL.</param>
    /// <exception cref="RendezvousException">The URL or a variable is wrong; the message says what.</exception>
    public static RendezvousUrl Parse(string url) => Parse(url, Environment.GetEnvironmentVariable);

    /// <summary>Reads a URL.</summary>
    /// <param name="url">The URL.</param>
    /// <param name="variable">Gives an environment variable's value or null.</param>
    /// <exception cref="RendezvousException">The URL or a variable is wrong; the message says what.</exception>
    public static RendezvousUrl Parse(string url, Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(url);
        ArgumentNullException.ThrowIfNull(variable);
        int schemeEnd = url.IndexOf("://", StringComparison.Ordinal);
        int queryStart = url.IndexOf('?', StringComparison.Ordinal);
        string scheme = schemeEnd < 0 ? "" : url[..schemeEnd];
        string place = schemeEnd < 0 ? "" : url[(schemeEnd + 3)..(queryStart < 0 ? url.Length : Math.Max(queryStart, schemeEnd + 3))];
        if (scheme is not ("env" or "tcp" or "file"))
        {
            throw Wrong(url, "it starts with none of env://, tcp:// and file://");
        }

        IReadOnlyDictionary<string, string> query = Query(url, queryStart);
        return scheme switch
        {
            "env" => place.Length == 0 ? new(url, FromVariables(url, query, variable), null) : throw Wrong(url, $"env:// takes no address, but '{place}' follows"),
            "tcp" => new(url, FromAddress(url, place, query, variable), null),
            _ => new(url, RankEnvironment.Job(new RankVariables(variable, url), PlaceOf(url, query), "", 0), PathOf(url, place)),
        };
    }

    /// <summary>Connects to the store that the URL names; rank 0 of <c>tcp://</c> and <c>env://</c> serves it, see <see cref="RankEnvironment.ConnectStore"/>.</summary>
    /// <param name="timeout">How long to try to connect, and how long waits last unless told otherwise; null: 5 minutes.</param>
    /// <param name="cancellation">Ends the attempts to connect.</param>
    /// <exception cref="RendezvousException">The store cannot be served, reached or opened.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> was signalled.</exception>
    public Store ConnectStore(TimeSpan? timeout = null, CancellationToken cancellation = default) => FilePath is null
        ? Ranks.ConnectStore(timeout, cancellation)
        : Ranks.OfThisGeneration(new FileStore(FilePath, Ranks.WorldSize, timeout, Ranks.Generation));

    private static RankEnvironment FromVariables(string url, IReadOnlyDictionary<string, string> query, Func<string, string?> variable)
    {
        if (query.Count == 0)
        {
            return RankEnvironment.Read(variable);
        }

        // Whatever other launcher's variables there are: the query's numbers are meant together with MASTER_ADDR and MASTER_PORT.
        var names = new Dictionary<string, string>
        {
            [RankEnvironment.RankVariable] = RankKey,
            [RankEnvironment.WorldSizeVariable] = WorldSizeKey,
            [RankEnvironment.LocalRankVariable] = LocalRankKey,
            [RankEnvironment.LocalWorldSizeVariable] = LocalWorldSizeKey,
        };
        RankEnvironment environment = RankEnvironment.Read(name => names.TryGetValue(name, out string? key) && query.TryGetValue(key, out string? value) ? value : variable(name));
        return environment with { Source = url };
    }

    private static RankEnvironment FromAddress(string url, string place, IReadOnlyDictionary<string, string> query, Func<string, string?> variable)
    {
        int colon = place.LastIndexOf(':');
        string host = colon < 0 ? "" : place[..colon];
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
        }

        return host.Length > 0 && Uri.CheckHostName(host) != UriHostNameType.Unknown
            && int.TryParse(place.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is >= 1 and <= 65535
            ? RankEnvironment.Job(new RankVariables(variable, url), PlaceOf(url, query), host, port)
            : throw Wrong(url, "no host and port from 1 to 65535 follow tcp://");
    }

    private static string PathOf(string url, string place)
    {
        string path = Uri.UnescapeDataString(place);

        // Windows: file:///C:/folder/file.
        if (OperatingSystem.IsWindows() && path.Length >= 3 && path[0] == '/' && path[2] == ':')
        {
            path = path[1..];
        }

        return Path.IsPathFullyQualified(path) && Path.GetFileName(path).Length > 0
            ? path
            : throw Wrong(url, "no whole path of a file follows file://, as in file:///folder/file");
    }

    private static RankPlace PlaceOf(string url, IReadOnlyDictionary<string, string> query)
    {
        int worldSize = Number(WorldSizeKey, null, 1, RankPlace.MaximumRanks);
        int rank = Number(RankKey, null, 0, worldSize - 1);
        int localWorldSize = Number(LocalWorldSizeKey, worldSize, 1, worldSize);
        int localRank = Number(LocalRankKey, localWorldSize == worldSize ? rank : null, 0, localWorldSize - 1);
        return new RankPlace(rank, worldSize, localRank, localWorldSize);

        int Number(string name, int? fallback, int least, int most) =>
            !query.TryGetValue(name, out string? text) ? fallback ?? throw Wrong(url, $"{name} is missing")
            : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most ? number
            : throw Wrong(url, FormattableString.Invariant($"{name} is {text}, not a whole number from {least} to {most}"));
    }

    private static Dictionary<string, string> Query(string url, int start)
    {
        var query = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string part in start < 0 ? [] : url[(start + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? part : part[..equals];
            if (name is not (RankKey or WorldSizeKey or LocalRankKey or LocalWorldSizeKey))
            {
                throw Wrong(url, $"'{name}' is none of {RankKey}, {WorldSizeKey}, {LocalRankKey} and {LocalWorldSizeKey}");
            }

            if (equals < 0 || !query.TryAdd(name, Uri.UnescapeDataString(part[(equals + 1)..])))
            {
                throw Wrong(url, equals < 0 ? $"{name} has no value" : $"{name} is given twice");
            }
        }

        return query;
    }

    private static RendezvousException Wrong(string url, string reason) =>
        new($"the rendezvous URL is invalid ({url}: {reason}). Give env://, tcp://HOST:PORT?rank=R&world_size=N or file:///PATH?rank=R&world_size=N.");
}
