using System.Globalization;

namespace Convoy.Distributed.Backends.Mpi.Pmi;

/// <summary>
/// The variables in which an MPI library finds its process manager, set in the C library's own environment: what .NET sets there no C code sees, and what is set here
/// no process that .NET starts inherits. Disposing it puts back what was there.
/// </summary>
internal sealed class PmiEnvironment : IDisposable
{
    private readonly List<(string Name, string? Before)> _changed = [];

    /// <param name="descriptor">The connection's number.</param>
    /// <param name="rank">This process's number.</param>
    /// <param name="size">How many ranks there are.</param>
    public PmiEnvironment(int descriptor, int rank, int size)
    {
        Set("PMI_FD", descriptor.ToString(CultureInfo.InvariantCulture));
        Set("PMI_RANK", rank.ToString(CultureInfo.InvariantCulture));
        Set("PMI_SIZE", size.ToString(CultureInfo.InvariantCulture));

        // Of an MPI launcher around this one: another way to its process manager, and messages that are to come first.
        foreach (string name in (string[])["PMI_PORT", "PMI_ID", "PMI_SPAWNED", "PMI_TOTALVIEW"])
        {
            Set(name, null);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((string name, string? before) in _changed)
        {
            Change(name, before);
        }

        _changed.Clear();
    }

    private void Set(string name, string? value)
    {
        string? before = NativeEnvironment.Get(name);
        if (before != value)
        {
            Change(name, value);
            _changed.Add((name, before));
        }
    }

    private static void Change(string name, string? value)
    {
        if (value is null)
        {
            NativeEnvironment.Unset(name);
        }
        else
        {
            NativeEnvironment.Set(name, value);
        }
    }
}
