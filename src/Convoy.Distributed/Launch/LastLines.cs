namespace Convoy.Distributed.Launch;

/// <summary>Keeps the last lines of a stream.</summary>
internal sealed class LastLines(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Queue<string> _lines = new();

    /// <summary>Adds a line, dropping the oldest when there are too many.</summary>
    public void Add(string line)
    {
        lock (_lock)
        {
            _lines.Enqueue(line);
            if (_lines.Count > capacity)
            {
                _lines.Dequeue();
            }
        }
    }

    /// <summary>The lines kept, oldest first.</summary>
    public IReadOnlyList<string> ToList()
    {
        lock (_lock)
        {
            return [.. _lines];
        }
    }
}
