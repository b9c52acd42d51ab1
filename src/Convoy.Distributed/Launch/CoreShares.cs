using System.Globalization;

namespace Convoy.Distributed.Launch;

/// <summary>Which of a machine's processors each of its workers gets.</summary>
internal sealed class CoreShares
{
    private readonly ICoreAffinity _affinity;
    private readonly IReadOnlyList<IReadOnlyList<int>> _shares;

    private CoreShares(ICoreAffinity affinity, IReadOnlyList<IReadOnlyList<int>> shares, bool shared)
    {
        _affinity = affinity;
        _shares = shares;
        Shared = shared;
    }

    /// <summary>Whether there are more workers than processors, so that some share one.</summary>
    public bool Shared { get; }

    /// <summary>Divides what this process may use among <paramref name="workers"/>.</summary>
    /// <exception cref="LaunchException">This system has no affinity that Convoy knows.</exception>
    public static CoreShares Of(int workers) => OperatingSystem.IsLinux()
        ? Of(new LinuxCoreAffinity(), workers)
        : throw new LaunchException("cores can be pinned on Linux only. Launch without pinning.");

    /// <summary>
    /// Divides the cores of <paramref name="affinity"/>: whole cores, neighbours together, the first workers one more when it
    /// does not come out even. With more workers than cores the cores' hardware threads are divided, and with more workers
    /// than those, workers share.
    /// </summary>
    public static CoreShares Of(ICoreAffinity affinity, int workers)
    {
        IReadOnlyList<IReadOnlyList<int>> cores = affinity.Cores();
        int[] processors = [.. cores.SelectMany(c => c)];
        if (workers > processors.Length)
        {
            return new CoreShares(affinity, [.. Enumerable.Range(0, workers).Select(w => (IReadOnlyList<int>)[processors[w % processors.Length]])], shared: true);
        }

        IReadOnlyList<IReadOnlyList<int>> units = workers > cores.Count ? [.. processors.Select(p => (IReadOnlyList<int>)[p])] : cores;
        var shares = new List<IReadOnlyList<int>>();
        for (int worker = 0, next = 0; worker < workers; worker++)
        {
            int count = (units.Count / workers) + (worker < units.Count % workers ? 1 : 0);
            shares.Add([.. units.Skip(next).Take(count).SelectMany(u => u)]);
            next += count;
        }

        return new CoreShares(affinity, shares, shared: false);
    }

    /// <summary>The processors of a local rank.</summary>
    public IReadOnlyList<int> this[int localRank] => _shares[localRank];

    /// <summary>Binds the calling thread, and what it starts, to a local rank's processors until the result is disposed of.</summary>
    public IDisposable Bind(int localRank) => _affinity.Bind(_shares[localRank]);

    /// <summary>In one line: "rank 0: 0-1, rank 1: 2-3".</summary>
    public string Describe(int firstRank) =>
        string.Join(", ", _shares.Select((share, local) => string.Create(CultureInfo.InvariantCulture, $"rank {firstRank + local}: {Ranges(share)}")));

    // 0, 1, 2, 8 -> 0-2+8
    private static string Ranges(IReadOnlyList<int> processors)
    {
        var parts = new List<string>();
        int[] sorted = [.. processors.Order()];
        for (int start = 0, end; start < sorted.Length; start = end + 1)
        {
            end = start;
            while (end + 1 < sorted.Length && sorted[end + 1] == sorted[end] + 1)
            {
                end++;
            }

            parts.Add(start == end
                ? sorted[start].ToString(CultureInfo.InvariantCulture)
                : string.Create(CultureInfo.InvariantCulture, $"{sorted[start]}-{sorted[end]}"));
        }

        return string.Join('+', parts);
    }
}
