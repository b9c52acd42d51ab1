using System.Globalization;
using System.Runtime.InteropServices;

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
    public static CoreShares Divide(int workers) => OperatingSystem.IsLinux()
        ? Divide(new LinuxCoreAffinity(), workers)
        : throw new LaunchException("cores can be pinned on Linux only. Launch without pinning.");

    /// <summary>
    /// Divides the cores of <paramref name="affinity"/>: whole cores, neighbours together, the first workers one more when it
    /// does not come out even. With more workers than cores the cores' hardware threads are divided, and with more workers
    /// than those, workers share.
    /// </summary>
    public static CoreShares Divide(ICoreAffinity affinity, int workers)
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

/// <summary>The operating system's way to keep a process to some of the machine's processors.</summary>
internal interface ICoreAffinity
{
    /// <summary>The processors that the calling thread may use, grouped by core: the hardware threads of one core together, in the machine's order.</summary>
    IReadOnlyList<IReadOnlyList<int>> Cores();

    /// <summary>
    /// Keeps the calling thread, and with it every process that it starts, to <paramref name="processors"/> until the result
    /// is disposed of, on the same thread.
    /// </summary>
    IDisposable Bind(IReadOnlyList<int> processors);
}

/// <summary>
/// Affinity masks of Linux. They belong to a thread; a process that a thread starts inherits its mask, so a child is bound
/// from its first instruction on, with all threads that it will have.
/// </summary>
internal sealed partial class LinuxCoreAffinity : ICoreAffinity
{
    private const int MaskBytes = 1024;
    private const int CallingThread = 0;

    /// <inheritdoc/>
    public IReadOnlyList<IReadOnlyList<int>> Cores() =>
    [
        .. Processors(ReadMask())
            .GroupBy(FirstSibling)
            .OrderBy(core => core.Key)
            .Select(core => (IReadOnlyList<int>)[.. core]),
    ];

    /// <inheritdoc/>
    public IDisposable Bind(IReadOnlyList<int> processors)
    {
        byte[] before = ReadMask();
        byte[] mask = new byte[MaskBytes];
        foreach (int processor in processors)
        {
            mask[processor / 8] |= (byte)(1 << (processor % 8));
        }

        WriteMask(mask);
        return new Restoring(before);
    }

    private static IEnumerable<int> Processors(byte[] mask) =>
        Enumerable.Range(0, 8 * mask.Length).Where(p => (mask[p / 8] & (1 << (p % 8))) != 0);

    // "0,64" or "0-1": all hardware threads of a core name the same first one. A machine that tells nothing has cores of one.
    private static int FirstSibling(int processor)
    {
        string path = string.Create(CultureInfo.InvariantCulture, $"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list");
        return File.Exists(path) && int.TryParse(File.ReadAllText(path).Split(',', '-')[0], NumberStyles.None, CultureInfo.InvariantCulture, out int first)
            ? first
            : processor;
    }

    private static byte[] ReadMask()
    {
        byte[] mask = new byte[MaskBytes];
        return GetAffinity(CallingThread, mask.Length, mask) == 0
            ? mask
            : throw new LaunchException($"the cores of this process are unknown ({Marshal.GetLastPInvokeErrorMessage()}). Launch without pinning.");
    }

    private static void WriteMask(byte[] mask)
    {
        if (SetAffinity(CallingThread, mask.Length, mask) != 0)
        {
            throw new LaunchException($"a worker cannot be pinned to its cores ({Marshal.GetLastPInvokeErrorMessage()}). Launch without pinning.");
        }
    }

    [LibraryImport("libc", EntryPoint = "sched_getaffinity", SetLastError = true)]
    private static partial int GetAffinity(int thread, nint bytes, [Out] byte[] mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nint bytes, byte[] mask);

    private sealed class Restoring(byte[] mask) : IDisposable
    {
        public void Dispose() => WriteMask(mask);
    }
}
