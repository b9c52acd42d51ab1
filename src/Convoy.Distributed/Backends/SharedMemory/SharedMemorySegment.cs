using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Security.Cryptography;
using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// A file that the ranks map into memory, in the <see cref="IPlatform"/>'s folder, which only its owner may open. Best it never has a
/// name, so that it is gone with its processes. Otherwise its name cannot be guessed, and it loses it as soon as all ranks have it mapped.
/// </summary>
/// <remarks>The mapping counts its users (<see cref="AddUser"/>), so tensors in it stay valid after the group is gone.</remarks>
internal sealed unsafe class SharedMemorySegment : IDisposable
{
    private readonly IPlatform _platform;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private int _users = 1;

    private SharedMemorySegment(IPlatform platform, string address, FileStream stream, long bytes)
    {
        _platform = platform;
        Address = address;
        HasName = !UnnamedAddress.TryParse(address, out _);
        Bytes = bytes;
        _file = MemoryMappedFile.CreateFromFile(stream, null, bytes, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: false);
        _view = _file.CreateViewAccessor(0, bytes, MemoryMappedFileAccess.ReadWrite);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Start = start;
    }

    /// <summary>What another rank opens: the file's path, or an <see cref="UnnamedAddress"/>.</summary>
    public string Address { get; }

    /// <summary>Whether the file has, or had, a name, which is then its <see cref="Address"/>.</summary>
    public bool HasName { get; }

    public long Bytes { get; }

    /// <summary>The first byte; at a page's start.</summary>
    public byte* Start { get; }

    /// <summary>Creates and maps a new file of <paramref name="bytes"/> zeros that has a name.</summary>
    /// <exception cref="SharedMemoryException">There is no room for it, or the folder refuses it.</exception>
    public static SharedMemorySegment Create(IPlatform platform, long bytes)
    {
        string path = Path.Combine(platform.Folder, "convoy-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)));
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            return Map(platform, new FileStream(path, options), _ => path, bytes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SharedMemoryException)
        {
            File.Delete(path);
            throw Refused(platform, error);
        }
    }

    /// <summary>Creates and maps a new file of <paramref name="bytes"/> zeros that has no name; null where there is no such thing.</summary>
    /// <exception cref="SharedMemoryException">There is no room for it, or the folder refuses it.</exception>
    public static SharedMemorySegment? CreateUnnamed(IPlatform platform, long bytes)
    {
        try
        {
            return platform.CreateUnnamed() is { } stream
                ? Map(platform, stream, file => new UnnamedAddress(ProcessIdentity.CurrentIn(platform), (int)file.SafeFileHandle.DangerousGetHandle(), platform.Place).ToString(), bytes)
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SharedMemoryException)
        {
            throw Refused(platform, error);
        }
    }

    /// <summary>Maps a file that another rank has created.</summary>
    /// <exception cref="SharedMemoryException">It cannot be opened or has another size.</exception>
    public static SharedMemorySegment Open(IPlatform platform, string address, long bytes)
    {
        string path = UnnamedAddress.TryParse(address, out UnnamedAddress? open) ? platform.PathOfOpenFile(open.Value.Owner.ProcessId, open.Value.Descriptor) : address;
        FileStream? stream = null;
        try
        {
            stream = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
            if (stream.Length != bytes)
            {
                long found = stream.Length;
                stream.Dispose();
                throw new SharedMemoryException(FormattableString.Invariant($"shared memory {path} has {found} bytes instead of {bytes}. Start all ranks with the same version of the program."));
            }

            return new SharedMemorySegment(platform, address, stream, bytes);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            // The last: where the owner closed its file, something without a length may have taken the number.
            stream?.Dispose();
            throw new SharedMemoryException($"cannot open shared memory {path} of rank 0 ({error.Message}). Start all ranks on one machine, as one user, with the same {platform.Folder}.", error);
        }
    }

    /// <summary>Takes the file's name away, if it has one; the memory lives on for those that have it mapped.</summary>
    public void Unlink()
    {
        if (HasName && _platform.CanUnlinkMapped)
        {
            File.Delete(Address);
        }
    }

    /// <summary>One more user keeps the mapping.</summary>
    public void AddUser() => Interlocked.Increment(ref _users);

    /// <summary>A user is done; the last one unmaps.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) != 0)
        {
            return;
        }

        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
        if (HasName && !_platform.CanUnlinkMapped)
        {
            try
            {
                File.Delete(Address);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Another rank still has it mapped and deletes it when it is done.
            }
        }
    }

    public void Dispose() => Release();

    private static SharedMemorySegment Map(IPlatform platform, FileStream stream, Func<FileStream, string> address, long bytes)
    {
        try
        {
            platform.Reserve(stream, bytes);
            return new SharedMemorySegment(platform, address(stream), stream, bytes);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static SharedMemoryException Refused(IPlatform platform, Exception error) =>
        error as SharedMemoryException ?? new SharedMemoryException($"cannot create shared memory in {platform.Folder} ({error.Message}). Check that the folder is writable.", error);
}

/// <summary>Where other processes find a file without a name: as a file that one process has open.</summary>
/// <param name="Owner">That process.</param>
/// <param name="Descriptor">The file's number in it.</param>
/// <param name="Place">The <see cref="IProcessTable.Place"/> in which the process's number is valid.</param>
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
