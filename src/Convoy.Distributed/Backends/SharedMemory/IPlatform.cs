using Convoy.Distributed.Rendezvous;

namespace Convoy.Distributed.Backends.SharedMemory;

/// <summary>
/// What shared memory needs from the operating system and .NET does not offer alike everywhere: where a file lies that is
/// memory, whether it can do without a name, how its room is reserved, whether it can lose its name while it is used, how to sleep
/// until another process writes a word, and (<see cref="IProcessTable"/>) whether another process lives.
/// </summary>
internal interface IPlatform : IProcessTable
{
    /// <summary>The folder of the files that are mapped.</summary>
    string Folder { get; }

    /// <summary>Whether a file can be deleted while processes have it mapped. If not, whoever unmaps it last deletes it.</summary>
    bool CanUnlinkMapped { get; }

    /// <summary>How to wait for other processes.</summary>
    IWordWaiter Waiter { get; }

    /// <summary>The platform of this process.</summary>
    static new IPlatform Current => OperatingSystem.IsLinux() ? new LinuxPlatform() : new PortablePlatform();

    /// <summary>
    /// Creates an empty file that has no name, so that it is gone with the processes that have it open, whatever ends them. Null where
    /// the system or the folder has no such files.
    /// </summary>
    /// <exception cref="IOException">The folder refuses it.</exception>
    FileStream? CreateUnnamed();

    /// <summary>The path at which another process of this user opens the file that process <paramref name="processId"/> has open as <paramref name="descriptor"/>.</summary>
    string PathOfOpenFile(int processId, int descriptor);

    /// <summary>Makes the file <paramref name="bytes"/> long with room that is really there: memory that is missing later would end the process.</summary>
    /// <exception cref="SharedMemoryException">There is no room.</exception>
    /// <exception cref="IOException">The same, from the file system.</exception>
    void Reserve(FileStream stream, long bytes);
}
