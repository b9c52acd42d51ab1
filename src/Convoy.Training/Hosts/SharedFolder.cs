using System.Globalization;
using Convoy.Distributed;
using Convoy.Distributed.Launch;

namespace Convoy.Training.Hosts;

/// <summary>
/// A folder of rank 0's as every rank of a job has it: ranks that see rank 0's files under their path work in the folder itself. Of the others, whose hosts have no file system in common with rank 0's, those that see each
/// other's files share a temporary folder, which is gone when this is disposed.
/// </summary>
/// <remarks>Which ranks see which files is tried with a file, as no variable of a launcher says it: containers on one host may have nothing in common, and hosts may share a file system.</remarks>
internal sealed class SharedFolder : IDisposable
{
    private readonly ProcessGroup _group;
    private readonly int[] _leaders;

    private SharedFolder(ProcessGroup group, string path, int[] leaders)
    {
        (_group, Path, _leaders) = (group, path, leaders);
    }

    /// <summary>The folder on this rank.</summary>
    public string Path { get; }

    /// <summary>Whether this rank works in rank 0's own folder.</summary>
    public bool IsOriginal => IsOriginalOn(_group.Rank);

    /// <summary>Whether all ranks do.</summary>
    public bool IsEverywhere => _leaders.All(leader => leader == 0);

    /// <summary>Whether this rank does what is done once in each folder: rank 0, and the lowest of those that share a temporary one.</summary>
    public bool IsLeader => _leaders[_group.Rank] == _group.Rank;

    /// <summary>Finds out who sees what. All ranks call it together.</summary>
    /// <param name="group">The ranks.</param>
    /// <param name="folder">On rank 0: the folder, which exists and can be written to; on other ranks it is not looked at.</param>
    /// <exception cref="IOException">A rank could not make a file or a folder, on all ranks.</exception>
    public static SharedFolder Find(ProcessGroup group, string folder)
    {
        ArgumentNullException.ThrowIfNull(group);
        int[] leaders = [.. Enumerable.Repeat(-1, group.Size)];
        string path = folder;
        for (int leader = 0; leader >= 0; leader = Array.IndexOf(leaders, -1))
        {
            Offer offer = group.BroadcastObject(group.Rank == leader ? Offer.Make(leader == 0 ? folder : null) : new Offer(null, null, null), root: leader);
            if (offer.Error is not null)
            {
                throw new IOException(string.Create(CultureInfo.InvariantCulture, $"rank {leader} has no folder for the run's files: {offer.Error}"));
            }

            bool takes = leaders[group.Rank] < 0 && (group.Rank == leader || File.Exists(offer.Marker));
            IReadOnlyList<bool> all = group.AllGatherObject(takes);
            for (int rank = 0; rank < group.Size; rank++)
            {
                leaders[rank] = all[rank] ? leader : leaders[rank];
            }

            path = takes ? offer.Folder! : path;
            if (group.Rank == leader)
            {
                File.Delete(offer.Marker!);
            }
        }

        return new SharedFolder(group, path, leaders);
    }

    /// <summary>Whether a rank works in rank 0's own folder.</summary>
    public bool IsOriginalOn(int rank) => _leaders[rank] == 0;

    /// <summary>A path in rank 0's folder, or that folder's own, as it is on this rank; any other path as it is.</summary>
    /// <param name="path">The path on rank 0.</param>
    /// <param name="original">Rank 0's folder.</param>
    public string Localize(string path, string original) =>
        path == original ? Path
        : path.StartsWith(original + System.IO.Path.DirectorySeparatorChar, StringComparison.Ordinal) ? Path + path[original.Length..]
        : path;

    /// <summary>Brings a folder of rank 0's to all ranks. All ranks call it together; where the files are those of rank 0 nothing is copied.</summary>
    /// <param name="name">Its path in the folder.</param>
    /// <returns>Where it is on this rank.</returns>
    /// <exception cref="IOException">A file cannot be read or written.</exception>
    public string Bring(string name)
    {
        string folder = System.IO.Path.Combine(Path, name);
        if (!IsEverywhere)
        {
            FileExchange.Send(_group, folder, receives: IsLeader && !IsOriginal);

            // The other ranks of a temporary folder look when its leader has written.
            _group.Barrier();
        }

        return folder;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (IsLeader && !IsOriginal && Directory.Exists(Path))
        {
            Directory.Delete(Path, recursive: true);
        }
    }

    /// <summary>A folder that a rank offers to those without one, and the file by which they know whether they see it.</summary>
    private sealed record Offer(string? Folder, string? Marker, string? Error)
    {
        /// <param name="folder">The folder; null for a new temporary one.</param>
        public static Offer Make(string? folder)
        {
            try
            {
                folder ??= TemporaryFolder.Create("convoy-run-").FullName;

                // Of the form of a file on its way to its name: a run removes it, should this process be killed here.
                string marker = System.IO.Path.Combine(folder, $"shared.{Guid.NewGuid():N}.tmp");
                File.WriteAllBytes(marker, []);
                return new Offer(folder, marker, null);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                return new Offer(null, null, error.Message);
            }
        }
    }
}
