using System.Globalization;
using System.Runtime.InteropServices;

namespace Convoy.Distributed.Launch;

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
