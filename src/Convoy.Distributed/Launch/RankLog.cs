using System.Globalization;

namespace Convoy.Distributed.Launch;

/// <summary>A rank's log file; standard output and error mixed in the order in which their lines came.</summary>
internal sealed class RankLog : IDisposable
{
    private readonly Lock _lock = new();
    private readonly StreamWriter _writer;

    /// <summary>Opens <c>rank-{rank}.log</c>: a new file at first, the same one after a restart.</summary>
    public RankLog(string directory, int rank, bool append)
    {
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, string.Create(CultureInfo.InvariantCulture, $"rank-{rank}.log"));
        _writer = new StreamWriter(path, append) { AutoFlush = true };
    }

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
}
