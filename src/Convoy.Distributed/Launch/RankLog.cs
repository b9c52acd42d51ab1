using System.Globalization;
using System.Text.RegularExpressions;

namespace Convoy.Distributed.Launch;

/// <summary>A rank's log file; standard output and error mixed in the order in which their lines came.</summary>
internal sealed partial class RankLog : IDisposable
{
    private readonly Lock _lock = new();
    private readonly StreamWriter _writer;

    /// <summary>Opens <c>rank-{rank}.log</c>: a new file at first, the same one after a restart.</summary>
    public RankLog(string directory, int rank, bool append)
    {
        Directory.CreateDirectory(directory);
        _writer = new StreamWriter(Path.Combine(directory, FileName(rank)), append) { AutoFlush = true };
    }

    /// <summary>
    /// Moves what an earlier run left in a folder, logs and flight recordings, into a new folder in it: <c>earlier-1</c>, <c>earlier-2</c>, ...
    /// </summary>
    /// <param name="directory">The folder; need not exist.</param>
    /// <param name="ranks">The ranks whose files are meant; null for all. Machines that share the folder leave each other's alone.</param>
    /// <returns>The new folder; null when there was nothing to move.</returns>
    public static string? SetAside(string directory, IReadOnlyList<int>? ranks)
    {
        string[] left = !Directory.Exists(directory) ? [] :
        [
            .. Directory.EnumerateFiles(directory).Where(file => RankOf(Path.GetFileName(file)) is { } rank && (ranks is null || ranks.Contains(rank))),
        ];
        if (left.Length == 0)
        {
            return null;
        }

        int number = 1;
        while (Path.Exists(EarlierRun(directory, number)))
        {
            number++;
        }

        string earlier = EarlierRun(directory, number);
        Directory.CreateDirectory(earlier);
        foreach (string file in left)
        {
            File.Move(file, Path.Combine(earlier, Path.GetFileName(file)));
        }

        return earlier;
    }

    /// <summary>The error for a folder that refuses the logs.</summary>
    public static LaunchException CannotWrite(string directory, Exception refusal) =>
        new($"cannot write to the log directory ({directory}: {refusal.Message.TrimEnd('.')}). Choose a directory that you may write to.", refusal);

    /// <summary>Writes one line through to the file, so that it is there whatever ends this process.</summary>
    public void Write(string line)
    {
        lock (_lock)
        {
            _writer.WriteLine(line);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    private static string EarlierRun(string directory, int number) => Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"earlier-{number}"));

    private static string FileName(int rank) => string.Create(CultureInfo.InvariantCulture, $"rank-{rank}.log");

    private static int? RankOf(string name)
    {
        Match match = OwnFile().Match(name);
        return match.Success && int.TryParse(match.Groups["rank"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int rank) ? rank : null;
    }

    [GeneratedRegex(@"^(?:flight-recorder-rank-(?<rank>[0-9]+)[.]json|rank-(?<rank>[0-9]+)[.]log)$", RegexOptions.CultureInvariant)]
    private static partial Regex OwnFile();
}
