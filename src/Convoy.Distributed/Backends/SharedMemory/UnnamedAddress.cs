using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Convoy.Distributed.Backends.SharedMemory.Platform;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>Where other processes find a file without a name: as a file that one process has open.</summary>
/// <param name="Owner">That process.</param>
/// <param name="Descriptor">The file's number in it.</param>
/// <param name="Place">The <see cref="IPlatform.Place"/> in which the process's number is valid.</param>
internal readonly record struct UnnamedAddress(ProcessIdentity Owner, int Descriptor, string Place)
{
    private const string Mark = "open";

    /// <summary>Whether <paramref name="platform"/>'s process can look the owner up by its number.</summary>
    public bool IsNear(IPlatform platform) => Place.Length > 0 && Place == platform.Place;

    /// <summary>Reads what <see cref="ToString"/> gives; false for the path of a file that has a name.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out UnnamedAddress? address)
    {
        string[] parts = text.Split(' ', 5);
        address = parts.Length == 5 && parts[0] == Mark
            && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int processId)
            && long.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out long start)
            && int.TryParse(parts[3], NumberStyles.None, CultureInfo.InvariantCulture, out int descriptor)
            ? new UnnamedAddress(new ProcessIdentity(processId, start), descriptor, parts[4])
            : null;
        return address is not null;
    }

    /// <summary>One line for the other processes.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Mark} {Owner.ProcessId} {Owner.Start} {Descriptor} {Place}");
}
